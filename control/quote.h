/* nbdkit-zram: what others sent, made fit to be printed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_QUOTE_H
#define ZRAM_QUOTE_H

/* A copy of text, fit to be printed within one line: control characters,
 * backslashes and all that is not ASCII as \xNN, and cut if it is long.
 */
#define QUOTE_MAX 160
extern const char *quote (const char *text, char buf[QUOTE_MAX]);

#endif /* ZRAM_QUOTE_H */
