/* nbdkit-zram: what a dictionary saves, found by trying it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_DICTIONARY_TRIAL_H
#define ZRAM_DICTIONARY_TRIAL_H

#include <stdint.h>

#include "coding.h"
#include "idle.h"
#include "parts.h"

/* Pages of a disk, one after the other. */
struct trial_pages {
  const char *pages;
  unsigned n;
};

struct trial {
  uint64_t plain, with;         /* bytes that the pages make, without the
                                   dictionary and with it */
  uint64_t plain_ns, with_ns;   /* processor time that compressing took */
  uint64_t held;                /* bytes that codings with it hold */
};

/* Compress the pages with the kind, which has a dictionary, and without that.
 * All that is made with it is read again and compared.  No lock is held.
 * -ENOSPC, -ENOMEM; -EIO: the codec cannot use the dictionary.
 */
extern int dictionary_trial (const struct parts *parts, struct idle *idle,
                             const struct coding_kind *kind,
                             const struct trial_pages *pages,
                             struct trial *trial);

/* What is saved, in thousandths; negative if it is lost. */
static inline int
trial_gain (const struct trial *t)
{
  int64_t saved = (int64_t) t->plain - (int64_t) t->with;

  return t->plain ? (int) (saved * 1000 / (int64_t) t->plain) : 0;
}

/* Can a codec use this dictionary at all?  Asked before there is a disk. */
extern int dictionary_try (const struct layout *layout,
                           const struct coding_kind *kind);

#endif /* ZRAM_DICTIONARY_TRIAL_H */
