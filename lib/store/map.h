/* nbdkit-zram: the map: slot -> page number, shard, and number in the shard.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A slot is a place on the disk; a page number is a place in the store.  As
 * long as no two slots can share a page, they are the same, and the map costs
 * nothing.
 *
 * Page numbers are dealt out to the shards in turn, one leaf of the table at
 * a time.  The number of a page within its shard says which leaf of the
 * shard it is in, and which page of that leaf it is.
 */

#ifndef ZRAM_MAP_H
#define ZRAM_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

struct map {
  unsigned shard_shift;         /* log2 of the number of shards */
};

/* Return the number of shards. */
static inline unsigned
map_shards (const struct map *m)
{
  return 1u << m->shard_shift;
}

/* Return the page number of a slot. */
static inline uint64_t
map_page (const struct map *m, uint64_t slot)
{
  (void) m;
  return slot;
}

/* Return the shard of a slot's page, and the number of the page in it. */
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

/* Return how many slots all shards together have if each has `local' slots,
 * which must be whole leaves.
 */
static inline uint64_t
map_group (const struct map *m, uint64_t local)
{
  return local << m->shard_shift;
}

/* Return how many of the slots below `slot' belong to shard i.  This is also
 * the number, in the shard, of its first page that is not below `slot'.
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
