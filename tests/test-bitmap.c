/* nbdkit-zram: the bitmap at the boundaries of its levels.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Sizes on both sides of every number of levels; each number alone, pairs
 * at the places where words and levels meet, and random sets against an
 * array.  The large sizes must not cost the memory they could address.
 */

#include <config.h>

#include <errno.h>
#include <sys/mman.h>

#include "bitmap.h"
#include "os.h"
#include "testlib.h"

static const struct {
  uint64_t nbits;
  unsigned levels;
} sizes[] = {
  { 1, 1 }, { 63, 1 }, { 64, 1 }, { 65, 2 }, { 4096, 2 }, { 4097, 3 },
  { 1 << 18, 3 }, { (1 << 18) + 1, 4 }, { UINT64_C (1) << 32, 6 },
  { UINT64_C (1) << 36, 6 },
};

static uint64_t seed;

/* Numbers near a multiple of 64, 64 * 64, ..., or near an end. */
static uint64_t
pick (uint64_t *rng, uint64_t nbits)
{
  uint64_t unit = UINT64_C (1) << 6 * rng_below (rng, 6);
  uint64_t i = rng_below (rng, nbits / unit + 1) * unit;

  i += rng_below (rng, 5) - 2;
  if (rng_below (rng, 4) == 0)
    i = rng_below (rng, 2) ? nbits - 1 - rng_below (rng, 3)
      : rng_below (rng, 3);
  return i % nbits;
}

static uint64_t
words_of (uint64_t nbits)
{
  uint64_t total = 0;

  do {
    nbits = (nbits + 63) / 64;
    total += nbits;
  } while (nbits > 1);
  return total;
}

/* No bit on any level is left of what was cleared. */
static void
check_empty (const struct bitmap *b)
{
  CHECK (bitmap_first (b) == BITMAP_NONE);
  CHECK (bitmap_last (b) == BITMAP_NONE);
  if (b->nbits <= 1 << 20)
    CHECK (is_zero ((const unsigned char *) b->words, b->bytes));
}

/* a alone, then a and b, cleared in either order. */
static void
check_pair (struct bitmap *b, uint64_t i, uint64_t k)
{
  uint64_t low = i < k ? i : k, high = i < k ? k : i;
  bool lower_first = (i ^ k) & 1;

  bitmap_set (b, i);
  CHECK (bitmap_first (b) == i && bitmap_test (b, i));
  bitmap_set (b, k);
  bitmap_set (b, k);
  CHECK (bitmap_first (b) == low && bitmap_test (b, k));
  CHECK (bitmap_last (b) == high);
  bitmap_clear (b, lower_first ? low : high);
  if (low != high) {
    CHECK (bitmap_first (b) == (lower_first ? high : low));
    CHECK (bitmap_last (b) == (lower_first ? high : low));
    CHECK (!bitmap_test (b, lower_first ? low : high));
    bitmap_clear (b, lower_first ? high : low);
  }
  CHECK (!bitmap_test (b, i) && !bitmap_test (b, k));
  check_empty (b);
}

static void
test_numbers (struct bitmap *b)
{
  uint64_t rng = seed, i, step = b->nbits <= 4097 ? 1 : b->nbits / 1024;
  unsigned n;

  check_empty (b);
  for (i = 0; i < b->nbits; i += step)
    check_pair (b, i, (i + 1) % b->nbits);
  for (n = 0; n < 300; ++n)
    check_pair (b, pick (&rng, b->nbits), pick (&rng, b->nbits));
}

/* Random sets against an array of bytes. */
static void
test_model (struct bitmap *b)
{
  uint64_t rng = seed, low = b->nbits, n, i;
  unsigned char *in = os_map (b->nbits);

  CHECK (in != NULL);
  for (n = 0; n < 30000; ++n) {
    i = pick (&rng, b->nbits);
    if (rng_below (&rng, 3) == 0)
      i = low < b->nbits ? low : 0;     /* clear the lowest, too */
    if (in[i]) {
      bitmap_clear (b, i);
      in[i] = 0;
    }
    else {
      bitmap_set (b, i);
      in[i] = 1;
      low = i < low ? i : low;
    }
    while (low < b->nbits && !in[low])
      low++;
    CHECK (bitmap_test (b, i) == in[i]);
    CHECK (bitmap_first (b) == (low < b->nbits ? low : BITMAP_NONE));
  }
  for (i = 0; i < b->nbits; ++i) {
    CHECK (bitmap_test (b, i) == in[i]);
    bitmap_clear (b, i);
  }
  check_empty (b);
  os_unmap (in, b->nbits);
}

/* Too large for an array: a few members, in the order of their coming. */
static void
test_sparse (struct bitmap *b)
{
  uint64_t rng = seed, member[64], low, high;
  unsigned n, i, k, count = 0;

  for (n = 0; n < 3000; ++n) {
    if (count < 64 && rng_below (&rng, 5) < 3) {
      uint64_t x = pick (&rng, b->nbits);

      for (i = 0; i < count && member[i] != x; ++i)
        ;
      CHECK (bitmap_test (b, x) == (i < count));
      if (i < count)
        continue;
      bitmap_set (b, x);
      member[count++] = x;
    }
    else if (count) {
      k = (unsigned) rng_below (&rng, count);
      bitmap_clear (b, member[k]);
      member[k] = member[--count];
    }
    for (low = BITMAP_NONE, i = 0; i < count; ++i)
      low = member[i] < low ? member[i] : low;
    CHECK (bitmap_first (b) == low);
    for (high = count ? 0 : BITMAP_NONE, i = 0; i < count; ++i)
      high = member[i] > high ? member[i] : high;
    CHECK (bitmap_last (b) == high);
  }
  while (count)
    bitmap_clear (b, member[--count]);
  check_empty (b);
}

static void
test_bits (struct bitmap *b)
{
  uint64_t rng = seed, i, bits;
  unsigned n, t, k;

  for (t = 0; t < 200; ++t)
    bitmap_set (b, pick (&rng, b->nbits));
  for (t = 0; t < 2000; ++t) {
    i = pick (&rng, b->nbits);
    n = 1 + (unsigned) rng_below (&rng, 64 - i % 64);
    bits = bitmap_bits (b, i, n);
    for (k = 0; k < 64; ++k)
      CHECK ((bits >> k & 1) ==
             (k < n && i + k < b->nbits && bitmap_test (b, i + k)));
  }
  while ((i = bitmap_first (b)) != BITMAP_NONE)
    bitmap_clear (b, i);
  check_empty (b);
}

/* Setting a few hundred bits of a huge set touches a few pages for each,
 * one a level, and no more.
 */
static void
test_lazy (struct bitmap *b)
{
  static unsigned char in[1 << 20];
  uint64_t pages = (b->bytes + 4095) / 4096, first, resident = 0, i, n;

  for (first = 0; first < pages; first += n) {
    n = pages - first < sizeof in ? pages - first : sizeof in;
    CHECK (mincore ((char *) b->words + first * 4096, n * 4096, in) == 0);
    for (i = 0; i < n; ++i)
      resident += in[i] & 1;
  }
  printf ("%" PRIu64 " bits: %" PRIu64 " of %" PRIu64 " pages touched\n",
          b->nbits, resident, pages);
  CHECK (resident > 0 && resident < 16384);
}

int
main (void)
{
  struct bitmap b;
  size_t i;

  seed = env_number ("ZRAM_SEED", 1);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    CHECK (bitmap_init (&b, sizes[i].nbits) == 0);
    CHECK (b.levels == sizes[i].levels);
    CHECK (b.bytes == words_of (sizes[i].nbits) * 8);
    test_numbers (&b);
    if (b.nbits <= 1 << 20)
      test_model (&b);
    test_sparse (&b);
    test_bits (&b);
    if (b.nbits > 1 << 20)
      test_lazy (&b);
    bitmap_free (&b);
    CHECK (b.words == NULL);
  }
  /* One level more than there are. */
  CHECK (bitmap_init (&b, (UINT64_C (1) << 36) + 1) == -ENOMEM);
  bitmap_free (&b);
  return 0;
}
