/* nbdzramctl: text that is safe for a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A server may send anything, control characters of the terminal too.
 */

#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* Make printable ASCII of a text, with \xNN for all other bytes.  To be
 * freed.
 */
extern char *text_escape (const char *text);

/* Write a text to a file, escaped like that but for newlines and tabs. */
extern void text_put (FILE *fp, const char *text, size_t length);

#endif /* ESCAPE_H */
