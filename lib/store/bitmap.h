/* nbdkit-zram: a set of small numbers that finds its lowest at once.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A bit a number, and above each level of words another with a bit for
 * each word that is not zero.  Setting, clearing and finding the lowest
 * look at one word a level: six levels hold 2^36 numbers.
 * Memory is reserved for all and used only where bits were set.
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

/* An empty set of the numbers below nbits, at least 1.  -ENOMEM. */
extern int bitmap_init (struct bitmap *b, uint64_t nbits);
extern void bitmap_free (struct bitmap *b);

/* Let it hold the numbers below nbits, no fewer than before.  -ENOMEM, and
 * nothing is changed.
 */
extern int bitmap_grow (struct bitmap *b, uint64_t nbits);

extern void bitmap_set (struct bitmap *b, uint64_t i);
extern void bitmap_clear (struct bitmap *b, uint64_t i);

/* The lowest and the highest number in the set, or BITMAP_NONE. */
extern uint64_t bitmap_first (const struct bitmap *b);
extern uint64_t bitmap_last (const struct bitmap *b);

static inline bool
bitmap_test (const struct bitmap *b, uint64_t i)
{
  return b->level[0][i >> 6] >> (i & 63) & 1;
}

/* The n (1 to 64) bits from i, which must not straddle a word. */
static inline uint64_t
bitmap_bits (const struct bitmap *b, uint64_t i, unsigned n)
{
  return b->level[0][i >> 6] >> (i & 63) & (UINT64_MAX >> (64 - n));
}

#endif /* ZRAM_BITMAP_H */
