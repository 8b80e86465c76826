/* nbdzramctl: sizes, counts, times and ratios as people read them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * All are written to text, and return it.  At most one digit is after the
 * point, none where it is 0.  What people write is read by lib/number.h.
 */

#ifndef NUMBER_TEXT_H
#define NUMBER_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define SIZE_TEXT 32

/* Write a size as util-linux does: 2.3G, 854M, 903.8M, 0B. */
extern const char *size_text (uint64_t bytes, char text[SIZE_TEXT]);

/* Write a count, in steps of a thousand: 12.3k, 4M, 980. */
extern const char *count_text (uint64_t n, char text[SIZE_TEXT]);

/* Write a time: 850ns, 12.3us, 4ms, 1.5s. */
extern const char *time_text (uint64_t ns, char text[SIZE_TEXT]);

/* Write a size or a time, or if plain all its digits, as --bytes has it. */
extern const char *size_or_bytes (uint64_t bytes, bool plain,
                                  char text[SIZE_TEXT]);
extern const char *time_or_ns (uint64_t ns, bool plain,
                               char text[SIZE_TEXT]);

/* Write a ratio, given in 1/10000, rounded to two digits after the point. */
extern const char *ratio_text (uint64_t ratio, char text[SIZE_TEXT]);

/* Say whether a text is digits and nothing else, at least one. */
extern bool text_is_digits (const char *text);

#endif /* NUMBER_TEXT_H */
