/* nbdkit-zram: the codings of a disk: taken into use, and freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "disk.h"

int
codings_use (struct zram_disk *d, unsigned id, int level)
{
  const struct codec *c = codec_get (id);
  bool has_levels = c->info.level_min <= c->info.level_max;
  void *params;
  int i, r;

  if (!has_levels)
    level = 0;
  i = codings_pick (&d->codings, id, level);
  if (i < 0)
    return i;
  params = c->params_new (level, d->layout.page);
  if (!params)
    return -ENOMEM;
  r = workspaces_use (&d->workspaces, (unsigned) i, id, level, params);
  if (r < 0) {
    c->params_free (params);
    return r;
  }
  d->codings.level = level;
  return 0;
}

static bool
has_objects (struct zram_disk *d, unsigned coding)
{
  uint64_t pages = 0;
  unsigned i;

  for (i = 0; i < shard_count (d) && pages == 0; ++i) {
    shard_lock (&d->shards[i]);
    pages = counter_get (&d->shards[i].n.store.arena.coding[coding].pages);
    shard_unlock (&d->shards[i]);
  }
  return pages > 0;
}

/* Nobody makes objects of these any more: all workspaces have been
 * switched to another coding.
 */
static void
drop_unused (struct zram_disk *d)
{
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (d->codings.coding[i].codec && i != d->codings.now &&
        !has_objects (d, i))
      workspaces_drop (&d->workspaces, i);
}

void
codings_tidy (struct zram_disk *d)
{
  if (pthread_mutex_trylock (&d->change) != 0)
    return;
  drop_unused (d);
  pthread_mutex_unlock (&d->change);
}

int
codings_switch (struct zram_disk *d, unsigned codec, int level)
{
  int r;

  drop_unused (d);
  r = codings_use (d, codec, level);
  if (r == -ENOSPC) {
    workspaces_drain (&d->workspaces);
    r = codings_use (d, codec, level);
  }
  drop_unused (d);
  return r;
}
