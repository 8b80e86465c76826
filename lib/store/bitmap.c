/* nbdkit-zram: a set of small numbers that finds its lowest at once.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "bitmap.h"
#include "os.h"

int
bitmap_init (struct bitmap *b, uint64_t nbits)
{
  uint64_t words[BITMAP_LEVELS], total = 0, n = nbits;
  unsigned i;

  *b = (struct bitmap) { .nbits = nbits };
  do {
    if (b->levels == BITMAP_LEVELS)
      return -ENOMEM;
    n = (n + 63) / 64;
    words[b->levels++] = n;
    total += n;
  } while (n > 1);

  b->bytes = total * sizeof (uint64_t);
  b->words = os_alloc (b->bytes);
  if (!b->words)
    return -ENOMEM;
  b->level[0] = b->words;
  for (i = 1; i < b->levels; ++i)
    b->level[i] = b->level[i-1] + words[i-1];
  return 0;
}

void
bitmap_free (struct bitmap *b)
{
  os_free (b->words, b->bytes);
  b->words = NULL;
}

/* Words that are zero are not written, so as not to touch their memory. */
int
bitmap_grow (struct bitmap *b, uint64_t nbits)
{
  struct bitmap n;
  uint64_t i, words = (b->nbits + 63) / 64;

  if (bitmap_init (&n, nbits) < 0)
    return -ENOMEM;
  for (i = 0; i < words; ++i) {
    uint64_t bits = b->level[0][i];

    for (; bits; bits &= bits - 1)
      bitmap_set (&n, i * 64 + (unsigned) __builtin_ctzll (bits));
  }
  bitmap_free (b);
  *b = n;
  return 0;
}

void
bitmap_set (struct bitmap *b, uint64_t i)
{
  unsigned l;

  for (l = 0; l < b->levels; ++l) {
    uint64_t *word = &b->level[l][i >> 6];
    bool was_empty = *word == 0;

    *word |= UINT64_C (1) << (i & 63);
    if (!was_empty)
      return;
    i >>= 6;
  }
}

void
bitmap_clear (struct bitmap *b, uint64_t i)
{
  unsigned l;

  for (l = 0; l < b->levels; ++l) {
    uint64_t *word = &b->level[l][i >> 6];

    *word &= ~(UINT64_C (1) << (i & 63));
    if (*word)
      return;
    i >>= 6;
  }
}

uint64_t
bitmap_first (const struct bitmap *b)
{
  uint64_t i = 0;
  unsigned l;

  if (b->level[b->levels - 1][0] == 0)
    return BITMAP_NONE;
  for (l = b->levels; l-- > 0; )
    i = i << 6 | (unsigned) __builtin_ctzll (b->level[l][i]);
  return i;
}

uint64_t
bitmap_last (const struct bitmap *b)
{
  uint64_t i = 0;
  unsigned l;

  if (b->level[b->levels - 1][0] == 0)
    return BITMAP_NONE;
  for (l = b->levels; l-- > 0; )
    i = i << 6 | (63 - (unsigned) __builtin_clzll (b->level[l][i]));
  return i;
}
