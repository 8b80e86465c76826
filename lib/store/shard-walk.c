/* nbdkit-zram: a walk through the slots of a shard.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "shard.h"

uint64_t
shard_walk (struct shard *s, uint64_t slot, uint64_t end, bool zeroes,
            shard_look_fn *look, void *opaque, int *r)
{
  struct zram_slot about;
  uint32_t entry = ENTRY_HOLE;
  uint64_t n = end - slot;

  shard_lock (s);
  if (slot < s->nslots)
    n = table_run (&s->table, slot, end < s->nslots ? end : s->nslots, &entry);
  if (entry != ENTRY_HOLE && (zeroes || entry != ENTRY_ZERO) &&
      shard_describe (s, slot, &about)) {
    *r = look (opaque, s, slot, &about);
    n = 1;
  }
  shard_unlock (s);
  shard_give_way (s);
  return n;
}
