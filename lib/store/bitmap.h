/* nbdkit-zram: a set of small numbers that finds its lowest number at once.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The lowest level has one bit for each number.  Each level above has one
 * bit for each word of the level below, set if that word is not zero.  To
 * set, clear or find the lowest number takes one word of each level.  Six
 * levels hold 2^36 numbers.  Address space is reserved for all of them, but
 * only words that were set use memory.
 */

#ifndef ZRAM_BITMAP_H
#define ZRAM_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS 6
#define BITMAP_NONE UINT64_MAX

struct bitmap {
  uint64_t *words;              /* all levels, the bits themselves first */
  uint64_t *level[BITMAP_LEVELS];
  unsigned levels;
  uint64_t nbits;
  size_t bytes;
};

/* Make an empty set for the numbers below nbits, which is at least 1.  0 or
 * -ENOMEM.
 */
extern int bitmap_init (struct bitmap *b, uint64_t nbits);
extern void bitmap_free (struct bitmap *b);

/* Make room for the numbers below nbits, no fewer than before.  On -ENOMEM
 * nothing has changed.
 */
extern int bitmap_grow (struct bitmap *b, uint64_t nbits);

/* Add a number to the set, or remove it. */
extern void bitmap_set (struct bitmap *b, uint64_t i);
extern void bitmap_clear (struct bitmap *b, uint64_t i);

/* Return the lowest or the highest number in the set; BITMAP_NONE if the set
 * is empty.
 */
extern uint64_t bitmap_first (const struct bitmap *b);
extern uint64_t bitmap_last (const struct bitmap *b);

/* Return whether a number is in the set. */
static inline bool
bitmap_test (const struct bitmap *b, uint64_t i)
{
  return b->level[0][i >> 6] >> (i & 63) & 1;
}

/* Return the n bits from i on, 1 to 64, which must lie in one word. */
static inline uint64_t
bitmap_bits (const struct bitmap *b, uint64_t i, unsigned n)
{
  return b->level[0][i >> 6] >> (i & 63) & (UINT64_MAX >> (64 - n));
}

#endif /* ZRAM_BITMAP_H */
