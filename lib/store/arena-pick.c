/* nbdkit-zram: the arena: an object taken at random.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "arena.h"

/* So many segments are looked at to find one that is in use: some
 * microseconds.
 */
#define SEGMENTS_MAX 1024

static bool
arena_has_objects (const struct arena *a, uint64_t id)
{
  return pool_is_used (&a->segments, id) && a->segment[id].count > 0;
}

/* Any segment is as likely as any other, and so is any object of it. */
bool
arena_pick (const struct arena *a, uint64_t random, uint64_t *slot)
{
  uint64_t n = a->segments.fresh, id, e;
  unsigned i;

  if (n == 0)
    return false;
  id = random % n;
  for (i = 0; i < SEGMENTS_MAX && !arena_has_objects (a, id); ++i)
    id = id + 1 < n ? id + 1 : 0;
  if (i == SEGMENTS_MAX)
    return false;
  e = *segment_dirent (a->layout, arena_base (a, (uint32_t) id),
                       (uint32_t) (random >> 32) % a->segment[id].count);
  *slot = dirent_slot (a->layout, e);
  return dirent_kind (e) != KIND_FILL;
}
