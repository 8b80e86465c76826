/* nbdkit-zram: upkeep by itself: the dictionary of cold pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is trained at the level of cold pages, when the first of them are to be
 * compressed, and both stages use it.  It belongs to the pages that are
 * written with it: upkeep finds it there, and when there are none any more
 * another is trained.
 */

#include <config.h>

#include "dictionary-train.h"
#include "upkeep.h"

/* Less has too little in common, or would not save what one holds. */
#define PAGES_BYTES (UINT64_C (16) << 20)

/* Look for one that recompressed pages are written with. */
static struct dictionary *
cold_dictionary (const struct upkeep *u)
{
  const struct coding *c = u->parts->codings->coding;
  struct dictionary *found = NULL;
  unsigned i;

  pthread_mutex_lock (u->parts->change);
  for (i = 0; i < CODINGS_MAX && !found; ++i)
    if (c[i].codec && c[i].id == (unsigned) u->codec && c[i].priority)
      found = c[i].dictionary;
  dictionary_share (found);
  pthread_mutex_unlock (u->parts->change);
  return found;
}

static struct dictionary *
train (struct upkeep *u)
{
  const struct coding_kind kind = {
    .id = (unsigned) u->codec,
    .level = (int) u->asked.n[ZRAM_UPKEEP_COLD_LEVEL],
  };
  struct dictionary *made;

  dictionary_train (u->parts, &u->idle, &kind, NULL, ++u->trained, &made);
  return made;
}

struct dictionary *
upkeep_dictionary (struct upkeep *u)
{
  struct dictionary *found = u->dictionary ? cold_dictionary (u) : NULL;
  uint64_t bytes = parts_holdings (u->parts).objects *
    u->parts->layout->page;

  if (found || !u->dictionary || bytes < PAGES_BYTES ||
      !dictionary_suits ((unsigned) u->codec))
    return found;
  return train (u);
}
