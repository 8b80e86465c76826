/* nbdkit-zram: the commands of the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_COMMAND_H
#define ZRAM_COMMAND_H

#include <stddef.h>

#include "strbuf.h"

/* Bytes of the longest command. */
#define COMMAND_MAX 4096

/* Least bytes that an answer must have room for. */
#define ANSWER_MIN 4096

/* Run one command: a line that ends at a newline, at NULs or after n bytes.
 * Add "ok" and the text that was asked for to the answer, or "error:" and what
 * is wrong.  On -errno nothing was done.
 */
extern int command_run (const char *written, size_t n, struct strbuf *answer);

#endif /* ZRAM_COMMAND_H */
