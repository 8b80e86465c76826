/* nbdkit-zram: test of same-filled pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A page that differs from a repeated word in any one byte must be told
 * from it, at any alignment, and nothing may be read or written outside
 * the page.
 *
 * usage: test-samefilled [SEED]
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pages.h"
#include "samefilled.h"

#define PAGE_MAX ((size_t) 65536)

static uint64_t seed;

#define CHECK(expr, ...) \
  do { \
    if (!(expr)) { \
      fprintf (stderr, "test-samefilled.c:%d: %s: ", __LINE__, #expr); \
      fprintf (stderr, __VA_ARGS__); \
      fprintf (stderr, " (seed %" PRIu64 ")\n", seed); \
      exit (1); \
    } \
  } while (0)

static const size_t sizes[] = {
  16, 24, 32, 40, 64, 72, 4096, 8192, 16384, 32768, 65536,
};
#define NR_SIZES (sizeof sizes / sizeof sizes[0])

static uint64_t
random_word (void)
{
  return (uint64_t) below (1 << 24) << 48 ^ (uint64_t) below (1 << 24) << 24 ^
    below (1 << 24);
}

/* Zero, ones, one byte, two and four bytes repeated, one byte repeated but
 * for a bit, anything.
 */
static uint64_t
some_word (unsigned n)
{
  const uint64_t w = random_word ();

  switch (n % 7) {
  case 0: return 0;
  case 1: return UINT64_MAX;
  case 2: return (w & 0xff) * UINT64_C (0x0101010101010101);
  case 3: return (w & 0xffff) * UINT64_C (0x0001000100010001);
  case 4: return (w & 0xffffffff) * UINT64_C (0x0000000100000001);
  case 5: return some_word (2) ^ UINT64_C (1) << below (64);
  default: return w;
  }
}

/* Memory whose end, and whose start, is the end of all that is mapped. */
static unsigned char *
guarded (void)
{
  const size_t guard = PAGE_MAX;
  unsigned char *p = mmap (NULL, PAGE_MAX * 2 + 2 * guard, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  CHECK (p != MAP_FAILED, "mmap");
  CHECK (mprotect (p + guard, PAGE_MAX * 2, PROT_READ | PROT_WRITE) == 0,
         "mprotect");
  return p + guard;
}

/* Every byte of a page of one word is filled, and none beside it. */
static void
test_fill (unsigned char *page, size_t len, uint64_t word,
           const unsigned char *before, const unsigned char *after)
{
  unsigned char bytes[8];
  size_t i;

  memcpy (bytes, &word, 8);
  memset (page, ~bytes[0], len);
  if (before)
    page[-1] = 0xa5;
  if (after)
    page[len] = 0xa5;
  page_fill (page, len, word);
  for (i = 0; i < len; ++i)
    CHECK (page[i] == bytes[i % 8], "byte %zu of %zu, word %" PRIx64, i, len,
           word);
  CHECK (before == NULL || page[-1] == 0xa5, "wrote before");
  CHECK (after == NULL || page[len] == 0xa5, "wrote beyond");
}

/* A page of one word is known for one, and not when byte number i has
 * another value.
 */
static void
test_detect (unsigned char *page, size_t len, uint64_t word, size_t i)
{
  uint64_t found = ~word;

  CHECK (page_is_same_filled (page, len, &found), "%zu bytes of %" PRIx64,
         len, word);
  CHECK (found == word, "%" PRIx64 " for %" PRIx64, found, word);

  page[i] ^= 1 << below (8);
  found = 42;
  CHECK (!page_is_same_filled (page, len, &found),
         "byte %zu of %zu is another", i, len);
  CHECK (found == 42, "word set");
  memcpy (page + i, (char *) &word + i % 8, 1);
}

/* Two bytes, wherever: also two that agree. */
static void
test_two_bytes (unsigned char *page, size_t len)
{
  const size_t i = below (len), j = below (len);
  const uint64_t word = some_word (below (7));
  uint64_t found;
  size_t k;
  bool same;

  page_fill (page, len, word);
  page[i] ^= 1 << below (8);
  page[j] = page[i];
  for (same = true, k = 8; k < len && same; ++k)
    same = page[k] == page[k - 8];
  CHECK (page_is_same_filled (page, len, &found) == same,
         "bytes %zu and %zu of %zu", i, j, len);
}

static void
test_size (unsigned char *start, size_t len)
{
  unsigned char *const end = start + 2 * PAGE_MAX;
  unsigned char *page;
  unsigned n, times;
  uint64_t word;
  size_t i, step;

  for (n = 0; n < 28; ++n) {
    word = some_word (n);

    /* Against the end, against the start, and at all alignments. */
    test_fill (end - len, len, word, start, NULL);
    test_detect (end - len, len, word, len - 1 - n % 8);
    test_fill (start, len, word, NULL, end);
    test_detect (start, len, word, n % 8);
    page = start + 1 + below (PAGE_MAX - 1);
    test_fill (page, len, word, start, end);
    test_detect (page, len, word, below (len));
  }

  /* Each single byte matters. */
  page = start + 1 + below (64);
  word = some_word (6);
  page_fill (page, len, word);
  step = len > 4096 ? 7 : 1;
  for (i = 0; i < len; i += step)
    test_detect (page, len, word, i);
  test_detect (page, len, word, len - 1);

  times = len > 4096 ? 200 : 2000;
  for (n = 0; n < times; ++n)
    test_two_bytes (start + 1 + below (64), len);
}

/* Any length, not only whole words. */
static void
test_lengths (unsigned char *start)
{
  unsigned char *const end = start + 2 * PAGE_MAX;
  size_t len;

  for (len = 1; len < 300; ++len) {
    test_fill (end - len, len, some_word (len), start, NULL);
    test_fill (start, len, some_word (len + 3), NULL, end);
  }
}

/* Pages of all kinds, compared with the plainest way to find out. */
static void
test_kinds (unsigned char *start)
{
  unsigned char *const page = start + 3;
  unsigned n, same_pages = 0;
  uint64_t found;
  size_t i;
  bool same;

  for (n = 0; n < 40 * nr_kinds; ++n) {
    kinds[n % nr_kinds].make (page, 4096);
    for (same = true, i = 8; i < 4096 && same; ++i)
      same = page[i] == page[i - 8];
    CHECK (page_is_same_filled (page, 4096, &found) == same, "%s",
           kinds[n % nr_kinds].name);
    same_pages += same;
  }
  CHECK (same_pages >= 3 * 40 && same_pages < n, "%u of %u", same_pages, n);
}

int
main (int argc, char *argv[])
{
  unsigned char *start;
  size_t i;

  seed = pages_seed (argc, argv);
  start = guarded ();
  for (i = 0; i < NR_SIZES; ++i)
    test_size (start, sizes[i]);
  test_lengths (start);
  test_kinds (start);
  return 0;
}
