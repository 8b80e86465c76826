/* nbdkit-zram: the map: slot -> page number, and where that lives.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A slot is a place on the disk, a page number one in the store.  They are
 * the same, and this costs nothing, for as long as no two slots can share
 * a page.
 *
 * Page numbers go to the shards a leaf of the table at a time, in turn:
 * number within a shard = which leaf of that shard, and which page of it.
 */

#ifndef ZRAM_MAP_H
#define ZRAM_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

struct map {
  unsigned shard_shift;         /* log2 of the number of shards */
};

static inline unsigned
map_shards (const struct map *m)
{
  return 1u << m->shard_shift;
}

static inline uint64_t
map_page (const struct map *m, uint64_t slot)
{
  (void) m;
  return slot;
}

/* The shard of a slot's page, and its number there. */
static inline unsigned
map_shard (const struct map *m, uint64_t slot)
{
  return (unsigned) (map_page (m, slot) >> NODE_SHIFT) &
    (map_shards (m) - 1);
}

static inline uint64_t
map_local (const struct map *m, uint64_t slot)
{
  uint64_t page = map_page (m, slot);

  return (page >> NODE_SHIFT >> m->shard_shift << NODE_SHIFT) |
    (page & (NODE_ENTRIES - 1));
}

/* Slots that go to the shards one and all so many at a time: all of them
 * together, for whole leaves.
 */
static inline uint64_t
map_group (const struct map *m, uint64_t local)
{
  return local << m->shard_shift;
}

/* How many of the slots below `slot' are shard i's: the first of its
 * pages that is not below.
 */
static inline uint64_t
map_below (const struct map *m, unsigned i, uint64_t slot)
{
  uint64_t leaf = slot >> NODE_SHIFT;
  uint64_t full = (leaf + map_shards (m) - 1 - i) >> m->shard_shift;
  bool within = (leaf & (map_shards (m) - 1)) == i;

  return (full << NODE_SHIFT) + (within ? slot & (NODE_ENTRIES - 1) : 0);
}

#endif /* ZRAM_MAP_H */
