/* nbdkit-zram: some pages of a disk, to learn from.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Only pages that are stored as compressed objects: there is nothing to be
 * learnt from pages of one word, nor from those that do not compress.  They
 * are looked at as maintenance does: no mark or age is touched.  Each is
 * copied out under its shard's lock and decoded without it.
 */

#ifndef ZRAM_SAMPLE_H
#define ZRAM_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "parts.h"

/* Every page is of one of the first two, by its slot, so that nothing is
 * tried on what it has learnt from.
 */
enum sample_part { SAMPLE_LEARN, SAMPLE_TRY, SAMPLE_ANY };

/* Under the lock: is this slot wanted? */
typedef bool sample_wanted_fn (const struct shard *s, uint64_t slot);

struct sample {
  const struct parts *parts;
  enum sample_part part;
  sample_wanted_fn *wanted;     /* NULL: any */
  uint64_t rng;                 /* not 0 */
};

/* Copy up to so many pages to `pages', one after the other; a page may come
 * twice.  Return how many they are: fewer if they are hard to find, so that
 * this takes a bounded time.
 */
extern unsigned sample_random (struct sample *s, char *pages, unsigned max);

/* The same of pages that were written lately, of which some are known. */
extern unsigned sample_recent (struct sample *s, char *pages, unsigned max);

#endif /* ZRAM_SAMPLE_H */
