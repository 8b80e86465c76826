/* nbdkit-zram: which codings a disk has in use: taken, and freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"

int
codings_use (const struct parts *p, unsigned id, int level)
{
  const struct codec *c = codec_get (id);
  bool has_levels = c->info.level_min <= c->info.level_max;
  void *params;
  int i, r;

  if (!has_levels)
    level = 0;
  i = codings_pick (p->codings, id, level);
  if (i < 0)
    return i;
  params = c->params_new (level, p->layout->page);
  if (!params)
    return -ENOMEM;
  r = workspaces_use (p->workspaces, (unsigned) i, id, level, params);
  if (r < 0) {
    c->params_free (params);
    return r;
  }
  p->codings->level = level;
  return 0;
}

static bool
coding_has_objects (const struct parts *p, unsigned coding)
{
  uint64_t pages = 0;
  unsigned i;

  for (i = 0; i < p->nshards && pages == 0; ++i) {
    shard_lock (&p->shards[i]);
    pages = counter_get (&p->shards[i].n.store.arena.coding[coding].pages);
    shard_unlock (&p->shards[i]);
  }
  return pages > 0;
}

/* Nobody makes objects of these any more: all workspaces have been
 * switched to another coding.
 */
static void
codings_drop_unused (const struct parts *p)
{
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (p->codings->coding[i].codec && i != p->codings->now &&
        !coding_has_objects (p, i))
      workspaces_drop (p->workspaces, i);
}

void
codings_tidy (const struct parts *p)
{
  if (pthread_mutex_trylock (p->change) != 0)
    return;
  codings_drop_unused (p);
  pthread_mutex_unlock (p->change);
}

int
codings_switch (const struct parts *p, unsigned codec, int level)
{
  int r;

  codings_drop_unused (p);
  r = codings_use (p, codec, level);
  if (r == -ENOSPC) {
    workspaces_drain (p->workspaces);
    r = codings_use (p, codec, level);
  }
  codings_drop_unused (p);
  return r;
}
