/* nbdkit-zram: the keeper: upkeep while nobody writes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The keeper looks at each shard now and then.  One that nobody changed
 * since is compacted further than writes do it, and gives back what it
 * kept ready for them.  Each step is a page's worth of work under the
 * shard's lock, which is then let go.  Workspaces that nobody wanted
 * lately go too, and contexts that no object needs.
 */

#include <config.h>

#include <string.h>

#include "coding-change.h"
#include "keeper.h"

/* Memory goes back within about twice this after the last write. */
#define TICK_MS 400

static bool
keeper_step (struct shard *s, unsigned per_mille)
{
  bool more;

  shard_lock (s);
  more = shard_compact_step (s, per_mille);
  shard_unlock (s);
  shard_give_way (s);
  return more;
}

static void
keeper_tidy (struct shard *s)
{
  uint64_t changes = counter_get (&s->changes);

  while (keeper_step (s, COMPACT_IDLE))
    if (counter_get (&s->changes) != changes)
      return;
  shard_lock (s);
  store_cool (&s->store);
  shard_unlock (s);
}

static void
keeper_look (void *opaque)
{
  struct keeper *k = opaque;
  const struct parts *p = k->parts;
  unsigned i;

  workspaces_trim (p->workspaces);
  codings_tidy (p);
  for (i = 0; i < p->nshards; ++i) {
    uint64_t now = counter_get (&p->shards[i].changes);

    if (now == k->seen[i] && now != k->kept[i]) {
      keeper_tidy (&p->shards[i]);
      k->kept[i] = now;
    }
    k->seen[i] = now;
  }
}

void
keeper_init (struct keeper *k, const struct parts *parts)
{
  k->parts = parts;
  worker_init (&k->worker, "zram-keeper", TICK_MS, keeper_look, k);
}

void
keeper_destroy (struct keeper *k)
{
  worker_destroy (&k->worker);
}

int
keeper_start (struct keeper *k)
{
  memset (k->seen, 0, sizeof k->seen);
  memset (k->kept, 0, sizeof k->kept);
  return worker_start (&k->worker);
}

void
keeper_stop (struct keeper *k)
{
  worker_stop (&k->worker);
}

void
keeper_compact (const struct parts *p)
{
  unsigned i;

  for (i = 0; i < p->nshards; ++i) {
    struct shard *s = &p->shards[i];

    /* Whoever asks wants it tried, though it got nowhere just now. */
    shard_lock (s);
    store_retry_compaction (&s->store);
    shard_unlock (s);
    while (keeper_step (s, COMPACT_NOW))
      ;
    shard_lock (s);
    store_cool (&s->store);
    shard_unlock (s);
  }
}
