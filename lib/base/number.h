/* nbdkit-zram: numbers and sizes as people write them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This is the only parser of numbers that people write: in parameters,
 * attributes, options of nbdzramctl and its configuration files.  The grammar
 * is
 *
 *   SIZE     DIGITS [. DIGITS] [UNIT]
 *   UNIT     K M G T P E, or KiB MiB ...   powers of 1024 bytes
 *            KB MB ...                     powers of 1000 bytes
 *            s                             sectors of 512 bytes
 *            b                             bytes, as without any unit
 *   COUNT    DIGITS
 *   INTEGER  [+ | -] DIGITS
 *   PERCENT  DIGITS %
 *   SECONDS  DIGITS [. DIGITS]
 *
 * Units are in either case.  Nothing else may stand before, between or
 * after: no spaces, no signs, no separators.  A fraction may have up to 18
 * digits.  It needs a unit larger than a byte, and the result is rounded down
 * to whole bytes.
 *
 * Attributes follow the kernel's rules: a number is hexadecimal after 0x and
 * octal after 0.  So 010K is 8K in an attribute and 10K everywhere else.  To
 * the kernel 1MB means 1M, but everywhere else here it means 1000000.  So
 * attributes refuse it, and nobody gets a size that was not meant.
 *
 * All arithmetic is in whole numbers, because a double cannot hold 2^63 - 1.
 */

#ifndef ZRAM_NUMBER_H
#define ZRAM_NUMBER_H

#include <stdint.h>

/* Follow the rules for attributes. */
#define NUMBER_KERNEL 1u
/* Round a fraction down to whole sectors, so that 1.3G can be the size of a
 * disk.  A whole number stays as it is.
 */
#define NUMBER_SECTORS 2u

/* Parse a text, and write the number to the last argument: bytes, a count, an
 * integer, nanoseconds, or a percentage from 1 to max.
 * -EINVAL if the text is not in the grammar; the number is then 0.
 * -ERANGE if it does not fit or is not in the range; the number is then the
 * nearest end of the type or of the range.
 */
extern int number_size (const char *text, unsigned flags, uint64_t *bytes);
extern int number_count (const char *text, unsigned flags, uint64_t *n);
extern int number_integer (const char *text, int *n);
extern int number_seconds (const char *text, uint64_t *ns);
extern int number_percent (const char *text, unsigned max, unsigned *percent);

/* Return a percentage of a whole, rounded down. */
extern uint64_t number_share (uint64_t whole, unsigned percent);

/* Examples for messages. */
#define NUMBER_SIZES "for example 512M, 1.5G or 2GiB"

#endif /* ZRAM_NUMBER_H */
