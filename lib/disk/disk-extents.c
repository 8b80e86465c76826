/* nbdkit-zram: what the disk holds, without reading it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Extents come straight from the page table.  Where the tables of all
 * shards say one thing for a whole root entry, thousands of slots are
 * passed over at once, so that asking a huge empty disk costs little.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"

/* Neighbours of one type, joined until another type comes. */
struct joiner {
  zram_extent_fn *emit;
  void *opaque;
  uint64_t start, end;          /* of the request: clip to these */
  uint64_t offset, length;      /* pending; none if length is 0 */
  enum zram_extent type;
};

static int
extents_flush (struct joiner *j)
{
  uint64_t length = j->length;

  j->length = 0;
  return length ? j->emit (j->opaque, j->offset, length, j->type) : 0;
}

/* Bytes [from, to) are of this type; they follow what was added last. */
static int
extents_join (struct joiner *j, uint64_t from, uint64_t to,
              enum zram_extent type)
{
  int r = 0;

  if (from < j->start)
    from = j->start;
  if (to > j->end)
    to = j->end;
  if (from >= to)
    return 0;
  if (j->length && j->type != type)
    r = extents_flush (j);
  if (j->length == 0)
    j->offset = from;
  j->type = type;
  j->length += to - from;
  return r;
}

static enum zram_extent
extents_type (uint32_t entry)
{
  return entry == ENTRY_HOLE ? ZRAM_EXTENT_HOLE :
    entry == ENTRY_ZERO ? ZRAM_EXTENT_ZERO : ZRAM_EXTENT_DATA;
}

/* If one root entry of every shard, together a range of the disk that
 * begins with slot, says the same: how many slots that is, else 0.
 */
static uint64_t
extents_uniform_group (struct zram_disk *d, uint64_t slot, uint32_t *entry)
{
  uint64_t group = map_group (&d->map, ROOT_SLOTS), n;
  uint32_t e = ENTRY_HOLE;
  unsigned i;

  if (slot & (group - 1) || slot + group > slots_of (d, disk_size (d)))
    return 0;
  for (i = 0; i < shard_count (d); ++i) {
    struct shard *s = &d->shards[i];
    uint64_t local = slot_local (d, slot);

    shard_lock (s);
    n = local + ROOT_SLOTS > s->nslots ? 0
      : table_run (&s->table, local, local + ROOT_SLOTS, &e);
    shard_unlock (s);
    if (n != ROOT_SLOTS || (i > 0 && e != *entry))
      return 0;
    *entry = e;
  }
  return group;
}

/* The entries of the rest of slot's leaf, taken together.  What the disk
 * has lost meanwhile is holes; the table may be of a smaller disk by now.
 */
static uint64_t
extents_copy_leaf (struct zram_disk *d, uint64_t slot, uint64_t end,
                   uint32_t entry[NODE_ENTRIES])
{
  struct shard *s = slot_shard (d, slot);
  uint64_t local = slot_local (d, slot), n, i, run;
  uint32_t e;

  n = NODE_ENTRIES - slot % NODE_ENTRIES;
  if (n > end - slot)
    n = end - slot;
  for (i = 0; i < n; ++i)
    entry[i] = ENTRY_HOLE;
  shard_lock (s);
  for (i = 0; i < n && local + i < s->nslots; i += run) {
    uint64_t k;

    run = table_run (&s->table, local + i, local + n, &e);
    for (k = i; k < i + run; ++k)
      entry[k] = e;
  }
  shard_unlock (s);
  return n;
}

static int
extents_join_leaf (struct zram_disk *d, struct joiner *j, uint64_t slot,
                   uint64_t end, uint64_t *n)
{
  uint32_t entry[NODE_ENTRIES];
  unsigned shift = d->layout.page_shift;
  uint64_t i;
  int r = 0;

  if (slot >= slots_of (d, disk_size (d))) {    /* no more, by now */
    *n = end - slot;
    return extents_join (j, slot << shift, end << shift, ZRAM_EXTENT_HOLE);
  }
  *n = extents_copy_leaf (d, slot, end, entry);
  for (i = 0; i < *n && r == 0; ++i)
    r = extents_join (j, (slot + i) << shift, (slot + i + 1) << shift,
                      extents_type (entry[i]));
  return r;
}

int
zram_extents (struct zram_disk *d, uint64_t count, uint64_t offset,
              zram_extent_fn *emit, void *opaque)
{
  unsigned shift = d->layout.page_shift;
  struct joiner j = {
    .emit = emit, .opaque = opaque, .start = offset, .end = offset + count,
  };
  uint64_t slot = offset >> shift, end, n;
  uint32_t entry = ENTRY_HOLE;
  int r = 0;

  if (!disk_has (d, count, offset))
    return -EINVAL;
  end = (offset + count + d->layout.page - 1) >> shift;
  for (; slot < end && r == 0; slot += n) {
    n = extents_uniform_group (d, slot, &entry);
    if (n)
      r = extents_join (&j, slot << shift, (slot + n) << shift,
                        extents_type (entry));
    else
      r = extents_join_leaf (d, &j, slot, end, &n);
  }
  return r ? r : extents_flush (&j);
}
