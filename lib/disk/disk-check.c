/* nbdkit-zram: the check of everything against table and objects.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The table and the objects are the only truth.  Every counter, list and
 * free space is counted again from them here and compared with what the
 * engine believes.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "disk.h"

/* What a scan of one shard finds. */
struct census {
  uint64_t stored, zero, raw;
  struct {
    uint64_t pages, bytes;
  } coding[CODINGS_MAX];
  uint64_t fills, splits;
  uint64_t fragments;           /* directory entries reached from slots */
  uint64_t segments, entries;   /* in use, and all their entries */
  uint64_t room, listed;
};

static int
check_differs (char *message, unsigned shard, const char *what,
               uint64_t counted, uint64_t believed)
{
  snprintf (message, ZRAM_MESSAGE_MAX, "shard %u: %s: counted %" PRIu64
            ", believed %" PRIu64, shard, what, counted, believed);
  return -EIO;
}

/* An object is in the segment that the table says, once, and its tail
 * where its head says.
 */
static int
check_scan_object (const struct shard *s, uint64_t slot, uint32_t entry,
                   struct census *c)
{
  const struct arena *a = &s->store.arena;
  const struct layout *l = s->layout;
  uint32_t id = entry_id (entry), length, tail_id;
  char *base;
  uint64_t e;
  int i;

  if (!pool_is_used (&a->segments, id))
    return -EIO;
  base = arena_base (a, id);
  i = segment_find (l, base, &a->segment[id], slot, false);
  if (i < 0)
    return -EIO;
  e = *segment_dirent (l, base, (uint32_t) i);
  length = dirent_length (l, e);
  c->fragments++;
  if (dirent_kind (e) == KIND_FILL) {
    c->fills++;
    return length == FILL_BYTES ? 0 : -EIO;
  }
  if (dirent_kind (e) == KIND_HEAD) {
    tail_id = link_get (segment_bytes (l, base, e));
    if (!pool_is_used (&a->segments, tail_id))
      return -EIO;
    base = arena_base (a, tail_id);
    i = segment_find (l, base, &a->segment[tail_id], slot, true);
    if (i < 0)
      return -EIO;
    e = *segment_dirent (l, base, (uint32_t) i);
    length += dirent_length (l, e) - LINK_BYTES;
    c->fragments++;
    c->splits++;
  }
  c->coding[dirent_coding (e)].pages++;
  c->coding[dirent_coding (e)].bytes += length;
  return length <= l->object_max ? 0 : -EIO;
}

static int
check_scan_entry (const struct shard *s, uint64_t slot, uint32_t entry,
                  struct census *c)
{
  switch (entry_tag (entry)) {
  case TAG_EMPTY:
    return entry == ENTRY_HOLE || entry == ENTRY_ZERO ? 0 : -EIO;
  case TAG_OBJECT:
    return check_scan_object (s, slot, entry, c);
  case TAG_RAW:
    c->raw++;
    return pool_is_used (&s->store.raw, entry_id (entry)) ? 0 : -EIO;
  case TAG_AWAY:
    break;
  }
  return -EIO;
}

static int
check_scan_table (const struct shard *s, struct census *c)
{
  uint64_t slot, n;
  uint32_t entry;

  for (slot = 0; slot < s->nslots; slot += n) {
    n = table_run (&s->table, slot, s->nslots, &entry);
    if (entry != ENTRY_HOLE)
      c->stored += n;
    if (entry == ENTRY_ZERO)
      c->zero += n;
    if (check_scan_entry (s, slot, entry, c) < 0)
      return -EIO;
  }
  return 0;
}

static int
check_scan_segments (const struct shard *s, struct census *c)
{
  const struct arena *a = &s->store.arena;
  uint64_t id;

  for (id = 0; id < a->segments.fresh; ++id) {
    if (!pool_is_used (&a->segments, id) || id == a->spare)
      continue;
    if (a->segment[id].count == 0 ||
        segment_check (s->layout, arena_base (a, (uint32_t) id),
                       &a->segment[id]) < 0)
      return -EIO;
    c->segments++;
    c->entries += a->segment[id].count;
  }
  return 0;
}

/* Every segment in use but the victim is on the list for its room, and
 * the bits say which lists are not empty.
 */
static int
check_scan_lists (const struct shard *s, struct census *c)
{
  const struct arena *a = &s->store.arena;
  uint32_t b, id, prev;

  for (b = 0; b < BUCKETS; ++b) {
    bool bit = a->bucket_bits[b / 64] >> b % 64 & 1;

    if (bit != (a->bucket[b] != NIL))
      return -EIO;
    for (prev = NIL, id = a->bucket[b]; id != NIL;
         prev = id, id = a->segment[id].next) {
      uint32_t room = (uint32_t) segment_room (s->layout,
                                               &a->segment[id], 0);

      if (room >> BUCKET_SHIFT != b || a->segment[id].prev != prev ||
          id == a->victim || !pool_is_used (&a->segments, id))
        return -EIO;
      c->listed++;
      c->room += room;
    }
  }
  return 0;
}

/* The memory account of the pools, by what is resident. */
static uint64_t
check_resident (const struct pool *pool)
{
  return pool->resident * (pool->block + pool->p.extra);
}

/* Of segments one block may be charged ahead. */
static uint64_t
check_prepaid (const struct pool *pool)
{
  return pool->prepaid ? pool->block + pool->p.extra : 0;
}

/* Of that, what is in empty blocks. */
static uint64_t
check_hot (const struct pool *pool)
{
  return pool->nhot * pool->block;
}

static int
check_codings (const struct shard *s, unsigned n, const struct census *c,
               char *message)
{
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i) {
    uint64_t pages = counter_get (&s->n.store.arena.coding[i].pages);
    uint64_t bytes = counter_get (&s->n.store.arena.coding[i].bytes);

    if (c->coding[i].pages != pages)
      return check_differs (message, n, "pages of a coding",
                            c->coding[i].pages,
                            pages);
    if (c->coding[i].bytes != bytes)
      return check_differs (message, n, "bytes of a coding",
                            c->coding[i].bytes,
                            bytes);
  }
  return 0;
}

/* Whoever is late is stored raw. */
static int
check_late (const struct shard *s)
{
  const struct late *l = &s->late;
  uint32_t i = l->n ? l->newest : LATE_NONE;

  if (late_check (l) < 0 || l->n != counter_get (&s->n.late) ||
      (l->n > 0) < s->store.arena.segments.prepaid)
    return -EIO;
  for (; i != LATE_NONE; i = l->page[i].older)
    if (l->page[i].slot >= s->nslots ||
        !entry_is_raw (table_get (&s->table, l->page[i].slot)))
      return -EIO;
  return 0;
}

static int
check_marks (const struct shard *s, unsigned n, const uint64_t counted[MARKS],
             char *message)
{
  static const char *const names[MARKS] = {
    [MARK_IDLE] = "idle pages", [MARK_INCOMPRESSIBLE] = "incompressible pages",
    [MARK_TENDED] = "tended pages", [MARK_TENDED_COLD] = "cold tended pages",
  };
  unsigned i;

  for (i = 0; i < MARKS; ++i) {
    uint64_t shown = counter_get (&s->n.marked[i]);

    if (counted[i] != s->table.marked[i])
      return check_differs (message, n, names[i], counted[i],
                            s->table.marked[i]);
    if (counted[i] != shown)
      return check_differs (message, n, names[i], counted[i], shown);
  }
  return 0;
}

static int
check_shard (const struct shard *s, unsigned n, char *message)
{
  const struct arena *a = &s->store.arena;
  const struct store_counters *b = &s->n.store;
  const struct {
    const char *name;
    const struct pool *pool;
  } pools[] = {
    { "segments", &a->segments }, { "raw pages", &s->store.raw },
    { "nodes", &s->table.nodes },
  };
  struct census c = { 0 };
  uint64_t nodes, marked[MARKS];
  size_t i;

  if (check_scan_table (s, &c) < 0)
    return check_differs (message, n, "table leads nowhere", 0, 0);
  if (check_scan_segments (s, &c) < 0)
    return check_differs (message, n, "segment and its directory", 0, 0);
  if (check_scan_lists (s, &c) < 0)
    return check_differs (message, n, "lists by room", 0, 0);
  for (i = 0; i < sizeof pools / sizeof pools[0]; ++i)
    if (pool_check (pools[i].pool) < 0)
      return check_differs (message, n, pools[i].name, 0, 0);

  if (check_late (s) < 0)
    return check_differs (message, n, "late pages", 0, 0);

  nodes = table_count_nodes (&s->table, marked);
  {
    const struct {
      const char *what;
      uint64_t counted, believed;
    } checks[] = {
      { "pages stored", c.stored, counter_get (&s->n.stored) },
      { "zero pages", c.zero, counter_get (&s->n.zero) },
      { "raw pages", c.raw, counter_get (&b->raw) },
      { "raw pages in use", c.raw, s->store.raw.used },
      { "fills", c.fills, counter_get (&b->arena.fills) },
      { "splits", c.splits, counter_get (&b->arena.splits) },
      { "directory entries", c.fragments, c.entries },
      { "entries counted", c.entries, counter_get (&b->arena.entries) },
      { "segments in use", c.segments + (a->spare != NIL),
        a->segments.used },
      { "segments listed", c.listed, a->listed },
      { "segments not listed", c.segments - c.listed, a->victim != NIL },
      { "room", c.room, counter_get (&b->arena.room) },
      { "nodes", nodes, s->table.nodes.used },
    };

    for (i = 0; i < sizeof checks / sizeof checks[0]; ++i)
      if (checks[i].counted != checks[i].believed)
        return check_differs (message, n, checks[i].what, checks[i].counted,
                              checks[i].believed);
  }
  return check_marks (s, n, marked, message) < 0 ? -EIO
    : check_codings (s, n, &c, message);
}

/* With every shard locked, the codings and the number of workspaces, the
 * account is the sum of what they hold.
 */
static int
check_account (const struct zram_disk *d, char *message)
{
  const struct account *a = &d->account;
  uint64_t kind[ACCOUNT_KINDS] = { 0 }, ready[ACCOUNT_KINDS] = { 0 };
  uint64_t sum = 0;
  unsigned i;

  for (i = 0; i < shard_count (d); ++i) {
    const struct shard *s = &d->shards[i];
    const struct pool *segments = &s->store.arena.segments;
    const struct pool *raw = &s->store.raw, *nodes = &s->table.nodes;

    kind[ACCOUNT_SEGMENTS] += check_resident (segments) +
      check_prepaid (segments);
    kind[ACCOUNT_RAW] += check_resident (raw);
    kind[ACCOUNT_TABLE] += check_resident (nodes);
    ready[ACCOUNT_SEGMENTS] += check_hot (segments);
    ready[ACCOUNT_RAW] += check_hot (raw);
    ready[ACCOUNT_TABLE] += check_hot (nodes);
  }
  kind[ACCOUNT_CODECS] = workspaces_bytes (&d->workspaces) +
    codings_bytes (&d->codings);
  kind[ACCOUNT_OTHER] = atomic_load (&a->kind[ACCOUNT_OTHER]);
  for (i = 0; i < ACCOUNT_KINDS; ++i) {
    sum += kind[i];
    if (kind[i] != atomic_load (&a->kind[i]))
      return check_differs (message, i, "kind of memory", kind[i],
                            atomic_load (&a->kind[i]));
    if (ready[i] != atomic_load (&a->ready[i]))
      return check_differs (message, i, "memory ready", ready[i],
                            atomic_load (&a->ready[i]));
  }
  if (sum != atomic_load (&a->held))
    return check_differs (message, 0, "memory held", sum,
                          atomic_load (&a->held));
  return 0;
}

int
zram_recount (struct zram_disk *d, char message[ZRAM_MESSAGE_MAX])
{
  unsigned i;
  int r = 0;

  pthread_mutex_lock (&d->change);
  pthread_mutex_lock (&d->workspaces.change);
  for (i = 0; i < shard_count (d); ++i)
    shard_lock (&d->shards[i]);
  for (i = 0; i < shard_count (d) && r == 0; ++i)
    r = check_shard (&d->shards[i], i, message);
  if (r == 0)
    r = check_account (d, message);
  for (i = 0; i < shard_count (d); ++i)
    shard_unlock (&d->shards[i]);
  pthread_mutex_unlock (&d->workspaces.change);
  pthread_mutex_unlock (&d->change);
  return r;
}
