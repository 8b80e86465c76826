/* nbdkit-zram: numbers and sizes as people write them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The one parser of all that is given by people: parameters, attributes,
 * options of nbdzramctl and its configuration files.  The grammar is
 *
 *   SIZE     DIGITS [. DIGITS] [UNIT]
 *   UNIT     K M G T P E, or KiB MiB ...   1024 bytes, 1024 of those, ...
 *            KB MB ...                     1000 bytes, 1000 of those, ...
 *            s                             sectors of 512 bytes
 *            b                             bytes, as without any unit
 *   COUNT    DIGITS
 *   INTEGER  [+ | -] DIGITS
 *   PERCENT  DIGITS %
 *   SECONDS  DIGITS [. DIGITS]
 *
 * Units are in either case.  Nothing else may stand before, between or
 * after: no spaces, no signs, no separators.  What follows the point is
 * exact to 18 digits, needs a unit larger than a byte, and is rounded down
 * to whole bytes.
 *
 * Attributes are the kernel's, where a number is hexadecimal after 0x and
 * octal after 0; so 010K is 8K there and 10K everywhere else.  The kernel
 * also takes 1MB for 1M, which everywhere else is 1000000; there it is
 * refused, so that nobody gets the other one.
 *
 * Whole numbers throughout: a double has no exact 2^63.
 */

#ifndef ZRAM_NUMBER_H
#define ZRAM_NUMBER_H

#include <stdint.h>

/* As attributes have it. */
#define NUMBER_KERNEL 1u
/* The size of a disk: a fraction is rounded down to whole sectors, so that
 * 1.3G is one.  A whole number stays as it is.
 */
#define NUMBER_SECTORS 2u

/* All of these return 0; -EINVAL: the text is not in the grammar, and the
 * number is 0; or -ERANGE: it is, but the number does not fit or is not in
 * the range, and is the nearest end of the type or of the range.
 */
extern int number_size (const char *text, unsigned flags, uint64_t *bytes);
extern int number_count (const char *text, unsigned flags, uint64_t *n);
extern int number_integer (const char *text, int *n);
extern int number_seconds (const char *text, uint64_t *ns);
extern int number_percent (const char *text, unsigned max, unsigned *percent);

/* So many percent of it, rounded down. */
extern uint64_t number_share (uint64_t whole, unsigned percent);

/* For messages. */
#define NUMBER_SIZES "for example 512M, 1.5G or 2GiB"

#endif /* ZRAM_NUMBER_H */
