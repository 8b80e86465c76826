/* nbdkit-zram: a shard: pages that are stored raw now and compressed later.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "shard.h"

int
shard_set_late (struct shard *s, uint32_t max, uint64_t margin)
{
  s->late_margin = margin;
  s->store.raw.p.hot_max += max;
  return late_init (&s->late, max);
}

/* There is none any more: nobody will need what was charged for them. */
static void
shard_late_remove (struct shard *s, uint32_t i)
{
  late_remove (&s->late, i);
  counter_sub (&s->n.late, 1);
  if (s->late.n == 0)
    pool_refund (&s->store.arena.segments);
}

void
shard_late_settle (struct shard *s, uint64_t slot, uint32_t old,
                   uint32_t entry, const struct content *c, bool access)
{
  uint32_t i = entry_is_raw (old) ? late_find (&s->late, slot) : LATE_NONE;
  bool was = i != LATE_NONE;
  bool empty = c->type == CONTENT_HOLE || c->type == CONTENT_ZERO;

  counter_add (&s->n.late_saved, was && access);
  counter_add (&s->n.late_hits, was && access && !empty);
  if (c->late && !was) {
    late_add (&s->late, slot);
    counter_add (&s->n.late, 1);
  }
  else if (was && (c->late ||
                   (entry_is_raw (entry) && c->type == CONTENT_OBJECT)))
    late_refresh (&s->late, i);
  else if (was)
    shard_late_remove (s, i);
}

/* Late pages must never be why a write fails.  So there are none where the
 * limit is near; and a segment is charged ahead for each shard that has
 * some, so that they can be compressed though all else is full.
 */
static bool
shard_late_has_memory (struct shard *s)
{
  const struct account *a = s->account;
  uint64_t limit = atomic_load_explicit (&a->limit, memory_order_relaxed);
  uint64_t held = atomic_load_explicit (&a->held, memory_order_relaxed);

  return (!limit || held + s->late_margin <= limit) &&
    pool_prepay (&s->store.arena.segments) == 0;
}

static int
shard_try_late (struct shard *s, uint64_t slot, const void *page)
{
  const struct content c = {
    .type = CONTENT_RAW, .page = page, .late = true,
  };
  uint32_t old = table_get (&s->table, slot);
  int r;

  if (s->late.n == s->late.max &&
      !(entry_is_raw (old) && late_find (&s->late, slot) != LATE_NONE))
    return -EBUSY;
  if (!shard_late_has_memory (s))
    return -EBUSY;
  r = table_prepare (&s->table, slot);
  if (r == 0)
    r = shard_commit (s, slot, old, &c, ACCESS);
  if (r < 0)
    table_fold (&s->table, slot);
  return r;
}

int
shard_publish_late (struct shard *s, uint64_t slot, const void *page)
{
  int r;

  if (slot >= s->nslots)
    return -EINVAL;
  r = shard_try_late (s, slot, page);
  if (r < 0 && s->late.n == 0)
    pool_refund (&s->store.arena.segments);
  if (r < 0)
    return r == -EIO ? r : -EBUSY;
  late_note (&s->late, slot);
  shard_changed (s, slot);
  shard_compact_step (s, COMPACT_BUSY);
  return 0;
}

bool
shard_late_take (struct shard *s, struct claim *claim, char *page)
{
  uint32_t i = late_oldest (&s->late);
  struct fetch f = { .raw = page, .n = s->layout->page };
  int r = i != LATE_NONE ? shard_peek (s, s->late.page[i].slot, &f) : -EINVAL;

  if (r == -EIO)
    shard_late_remove (s, i);   /* damaged */
  if (r < 0)
    return false;               /* or a shrink keeps us from it just now */
  s->late.page[i].taken = true;
  claim_take (&s->claims, claim, s->late.page[i].slot);
  return true;
}

/* Replace it; at the limit spend what was charged ahead, and charge it again
 * from what has become free.
 */
static void
shard_late_swap (struct shard *s, uint64_t slot, const struct content *c)
{
  struct pool *segments = &s->store.arena.segments;

  if (shard_swap (s, slot, c) < 0 ||
      late_find (&s->late, slot) == LATE_NONE)
    return;
  store_drain (&s->store);
  segments->spend = true;
  shard_swap (s, slot, c);
  segments->spend = false;
  store_drain (&s->store);
  if (s->late.n)
    pool_prepay (segments);
}

int
shard_late_put (struct shard *s, struct claim *claim, const struct content *c)
{
  uint64_t slot = claim->slot;
  bool unbroken = claim_drop (&s->claims, claim);
  uint32_t i = late_find (&s->late, slot);

  if (i == LATE_NONE)
    return 0;
  s->late.page[i].taken = false;
  if (!unbroken)
    return 0;
  if (c->type == CONTENT_OBJECT) {
    shard_late_swap (s, slot, c);
    return late_find (&s->late, slot) == LATE_NONE ? 0 : -ENOSPC;
  }
  counter_add (&s->n.store.raw_since, c->type == CONTENT_RAW);
  shard_late_remove (s, i);
  return 0;
}
