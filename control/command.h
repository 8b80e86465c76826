/* nbdkit-zram: the commands of the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_COMMAND_H
#define ZRAM_COMMAND_H

#include <stddef.h>

#include "strbuf.h"

/* The longest command. */
#define COMMAND_MAX 4096

/* The room that an answer must have at least. */
#define ANSWER_MIN 4096

/* Run what was written: one line, which a newline, NULs or the end ends.
 * The answer is "ok" and what was asked for, or "error:" and what is
 * wrong.  0, or -errno and nothing was done.
 */
extern int command_run (const char *written, size_t n, struct strbuf *answer);

#endif /* ZRAM_COMMAND_H */
