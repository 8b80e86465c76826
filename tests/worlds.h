/* nbdkit-zram: pages that have much in common, to train dictionaries on.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef WORLDS_H
#define WORLDS_H

#include "codec.h"
#include "testlib.h"

#define WORDS 512
#define WORD 24

/* Pages of a world have words in common that no other world has, and numbers
 * between them.
 */
static inline void
world_page (unsigned char *page, size_t len, uint64_t world, uint64_t seed)
{
  uint64_t rng = seed * 1000003 + world, word, k;
  size_t i = 0, n;

  while (i < len) {
    uint64_t text = world << 32 | rng_below (&rng, WORDS);

    for (k = 0; k < WORD / 8 && i < len; ++k) {
      word = rng_next (&text);
      n = len - i < 8 ? len - i : 8;
      memcpy (page + i, &word, n);
      i += n;
    }
    if (i + 2 < len) {
      word = rng_next (&rng);
      memcpy (page + i, &word, 2);
      i += 2;
    }
  }
}

/* A dictionary of a world's pages. */
static inline struct dictionary *
world_dictionary (const struct codec *codec, int level, size_t page,
                  uint64_t world)
{
  unsigned n = (unsigned) (((size_t) 1 << 20) / page), i;
  char *pages = malloc (n * page), *out = malloc (TRAINING_DICTIONARY);
  const struct training t = {
    .level = level, .page_size = page, .pages = pages, .npages = n,
  };
  struct dictionary *d;
  int r;

  for (i = 0; i < n; ++i)
    world_page ((unsigned char *) pages + i * page, page, world, i);
  r = codec->train (&t, out, TRAINING_DICTIONARY);
  CHECK (r > 256 && codec->dictionary_check (out, (size_t) r));
  d = dictionary_new (out, (size_t) r);
  CHECK (d);
  free (pages);
  free (out);
  return d;
}

/* The codec that takes a dictionary.  Its id, or -1: there is none, or no
 * other beside it.
 */
static inline int
world_codec (void)
{
  int i, found = -1;

  for (i = 0; codec_get ((unsigned) i); ++i)
    if (codec_get ((unsigned) i)->train)
      found = i;
  if (found < 0 || i < 2) {
    printf ("no codec takes a dictionary, or there is no other\n");
    return -1;
  }
  return found;
}

#endif /* WORLDS_H */
