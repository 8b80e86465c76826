/* nbdkit-zram: is this page one repeated word?
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One page in forty is, nearly always zero.  Every page written is asked,
 * so the usual answer, no, must cost next to nothing: four probes find it
 * out for all but a few pages.  The rest is memcmp of the page with
 * itself one word later.
 *
 * Pages need no alignment: requests bring theirs at any address.
 */

#ifndef ZRAM_SAMEFILLED_H
#define ZRAM_SAMEFILLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
page_word (const void *page, size_t offset)
{
  uint64_t word;

  memcpy (&word, (const char *) page + offset, sizeof word);
  return word;
}

/* Sets *word if it is.  len is a multiple of 8, at least 16. */
static inline bool
page_is_same_filled (const void *page, size_t len, uint64_t *word)
{
  const uint64_t first = page_word (page, 0);
  const size_t middle = len / 2 & ~(size_t) 7, quarter = len / 4 & ~(size_t) 7;

  if (page_word (page, len - 8) != first ||
      page_word (page, 8) != first ||
      page_word (page, middle) != first ||
      page_word (page, quarter) != first ||
      memcmp (page, (const char *) page + 8, len - 8) != 0)
    return false;
  *word = first;
  return true;
}

/* Fill a page with a word, or with a part of it: len may be anything. */
static inline void
page_fill (void *page, size_t len, uint64_t word)
{
  const unsigned char byte = word & 0xff;
  uint64_t block[8];
  char *p = page;
  size_t i;

  if (word == UINT64_C (0x0101010101010101) * byte) {
    memset (p, byte, len);
    return;
  }
  for (i = 0; i < 8; ++i)
    block[i] = word;
  for (; len >= sizeof block; p += sizeof block, len -= sizeof block)
    memcpy (p, block, sizeof block);
  memcpy (p, block, len);
}

#endif /* ZRAM_SAMEFILLED_H */
