/* nbdkit-zram: dictionaries trained on the pages of a disk.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_DICTIONARY_TRAIN_H
#define ZRAM_DICTIONARY_TRAIN_H

#include "dictionary.h"
#include "idle.h"
#include "parts.h"
#include "sample.h"

/* Does this codec take a dictionary? */
static inline bool
dictionary_suits (unsigned id)
{
  return codec_get (id)->train != NULL;
}

/* Train a dictionary for a codec and a level on pages of the disk, which
 * `wanted' may choose (sample.h).  Memory is charged first, as much as will
 * do, so that others have at least as much of the limit left.  No lock is held
 * while it works.  The dictionary has one user, the caller; what it holds is
 * charged with the coding that it is used by.
 *
 * -EPERM: another disk of this process is for swapping, and the library would
 * use up the heap that is kept for that; -ENOSPC: the limit leaves no room;
 * -ENOMEM; -ENODATA: too few pages, or there was nothing to be learnt from
 * them.
 */
extern int dictionary_train (const struct parts *parts, struct idle *idle,
                             const struct coding_kind *kind,
                             sample_wanted_fn *wanted, uint64_t seed,
                             struct dictionary **dictionary);

#endif /* ZRAM_DICTIONARY_TRAIN_H */
