/* nbdkit-zram: what others sent, made fit to be printed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_QUOTE_H
#define ZRAM_QUOTE_H

/* Copy text to buf so that it can be printed within one line: control
 * characters, backslashes and all that is not ASCII as \xNN, and cut if it is
 * long.  Returns buf.
 */
#define QUOTE_MAX 160
extern const char *quote (const char *text, char buf[QUOTE_MAX]);

#endif /* ZRAM_QUOTE_H */
