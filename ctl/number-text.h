/* nbdzramctl: sizes, ratios and times as people write and read them.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef NUMBER_TEXT_H
#define NUMBER_TEXT_H

#include <stdint.h>

#define SIZE_TEXT 32

/* As util-linux prints them: 2.3G, 854M, 903.8M, 0B.  At most one digit
 * after the point, none where it is 0.
 */
extern const char *size_text (uint64_t bytes, char text[SIZE_TEXT]);

/* The same with decimal steps and no unit: 12.3k, 4M, 980. */
extern const char *count_text (uint64_t n, char text[SIZE_TEXT]);

/* A time: 850ns, 12.3us, 4ms, 1.5s. */
extern const char *time_text (uint64_t ns, char text[SIZE_TEXT]);

/* Sizes and whole numbers as lib/number.h has them.  A fraction of a disk's
 * size is rounded down to sectors.  0, or -1 if it is anything else or does
 * not fit.
 */
extern int size_parse (const char *text, uint64_t *bytes);
extern int disk_size_parse (const char *text, uint64_t *bytes);
extern int number_parse (const char *text, uint64_t *n);

#endif /* NUMBER_TEXT_H */
