/* nbdkit-zram: the store: the only owner of stored pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What a table entry leads to is made, read, moved and freed here, and
 * here alone it is known what the tags of an entry mean; the table knows
 * no more of an entry than whether it is empty.  Objects lie in the arena,
 * pages that would not compress in a pool.
 *
 * Not thread-safe: used under the shard's lock.
 */

#ifndef ZRAM_STORE_H
#define ZRAM_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "arena.h"
#include "counter.h"
#include "layout.h"
#include "pool.h"
#include "table.h"

/* What is stored, and what was done; outlives the store, as the arena's
 * counters do.
 */
struct store_counters {
  struct arena_counters arena;
  counter raw;                  /* pages now */
  counter raw_since;            /* pages ever kept raw, but for late ones */
};

struct store {
  const struct layout *layout;
  struct store_counters *n;
  struct arena arena;
  struct pool raw;
};

/* nslots: how many slots the shard has.  The counters are all zero.
 * -ENOMEM.
 */
extern int store_init (struct store *st, const struct layout *layout,
                       uint64_t nslots, struct account *account,
                       struct store_counters *counters);
extern void store_destroy (struct store *st);

/* Let the shard have more slots; never fewer.  -ENOMEM, and nothing is
 * changed that shows.
 */
extern int store_grow (struct store *st, uint64_t nslots);

/* What a page is, as it is handed in or out. */
enum content_type {
  CONTENT_HOLE, CONTENT_ZERO,   /* zeroes; no bytes */
  CONTENT_OBJECT,               /* object: compressed, or a word */
  CONTENT_RAW,                  /* page */
};
struct content {
  enum content_type type;
  struct object object;
  const void *page;             /* in: the page itself, if not empty */
  bool late;                    /* in: raw only until it is compressed */
};

/* A page that is stored, or an empty one: what an entry leads to.  Good
 * until something else is stored, moved or freed.
 */
struct stored {
  uint32_t entry;
  bool lost;                    /* damaged: it leads nowhere */
  struct found at;              /* an object's place */
};

/* 0; -EIO if it is away. */
extern int store_find (const struct store *st, uint32_t entry,
                       uint64_t slot, struct stored *page);

/* Copy an object to buf, which holds object_max bytes, or bytes
 * [from, from + n) of a raw page to raw.  0, or -EIO if it is lost.
 */
struct fetch {
  void *buf;
  char *raw;
  uint32_t from, n;
  struct content content;       /* out */
};
extern int store_load (const struct store *st, const struct stored *page,
                       struct fetch *f);

/* Store a page beside the old one of its slot, which stays as it is.  Its
 * entry, another one, in *entry.  -ENOSPC or -ENOMEM, and nothing is
 * changed.
 */
extern int store_place (struct store *st, uint64_t slot,
                        const struct content *content,
                        const struct stored *old, uint32_t *entry);

/* Where there is no room for both: store it where the old one is, with
 * the same entry.  False: it does not fit there, and nothing is changed.
 */
extern bool store_replace (struct store *st, const struct content *content,
                           const struct stored *old);

extern void store_free (struct store *st, const struct stored *page);

/* Say of a stored page whether it is same-filled or huge, in flags, and its
 * bytes and coding.
 */
extern void store_describe (const struct store *st, uint32_t entry,
                            uint64_t slot, struct zram_slot *about);

/* The slot of a compressed page by a random number, for samples.  False: that
 * led to none, and another number may.
 */
static inline bool
store_pick (const struct store *st, uint64_t random, uint64_t *slot)
{
  return arena_pick (&st->arena, random, slot);
}

/* For checks: does the entry lead to a page? */
extern bool store_leads (const struct store *st, uint32_t entry,
                         uint64_t slot);

/* Bring what reading or replacing this page needs first into the cache. */
extern void store_prefetch (const struct store *st, uint32_t entry);

/* Move some objects closer together, and tell the table.  False: no more
 * is due.
 */
extern bool store_compact_step (struct store *st, struct table *table);

/* Is that due?  per_mille as for arena_wants_compaction. */
static inline bool
store_wants_compaction (const struct store *st, unsigned per_mille)
{
  return arena_wants_compaction (&st->arena, per_mille);
}

/* Try again though nothing could be moved just now. */
static inline void
store_retry_compaction (struct store *st)
{
  st->arena.stalled_steps = 0;
}

/* Give back what is kept ready for the next write, but for a reserve; and
 * some of that too, because memory is short.
 */
extern void store_cool (struct store *st);
extern void store_drain (struct store *st);

/* For the reserve: the pools, and touching what lies beside the units of
 * one block of them.
 */
enum { STORE_SEGMENTS, STORE_RAW, STORE_POOLS };
static inline struct pool *
store_pool (struct store *st, unsigned which)
{
  return which == STORE_SEGMENTS ? &st->arena.segments : &st->raw;
}
extern void store_touch_beside (struct store *st, unsigned which,
                                uint64_t first);

#endif /* ZRAM_STORE_H */
