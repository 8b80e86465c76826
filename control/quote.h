/* nbdkit-zram: making text from others safe to print.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_QUOTE_H
#define ZRAM_QUOTE_H

/* Copy a text to buf, made safe to print within one line, and return buf.
 * Control characters, backslashes and bytes that are not ASCII become \xNN,
 * and a long text is cut.
 */
#define QUOTE_MAX 160
extern const char *quote (const char *text, char buf[QUOTE_MAX]);

#endif /* ZRAM_QUOTE_H */
