/* nbdkit-zram: upkeep in the background, compaction and reset on request.
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

#include "disk.h"
#include "os.h"

/* Memory goes back within about twice this after the last write. */
#define TICK_MS 400

static bool
step (struct shard *s, unsigned per_mille)
{
  bool more;

  shard_lock (s);
  more = shard_compact_step (s, per_mille);
  shard_unlock (s);
  shard_give_way (s);
  return more;
}

static void
keep (struct shard *s)
{
  uint64_t changes = counter_get (&s->changes);

  while (step (s, COMPACT_IDLE))
    if (counter_get (&s->changes) != changes)
      return;
  shard_lock (s);
  store_cool (&s->store);
  shard_unlock (s);
}

static void
look_at_all (void *opaque)
{
  struct zram_disk *d = opaque;
  struct keeper *k = &d->keeper;
  unsigned i;

  workspaces_trim (&d->workspaces);
  codings_tidy (d);
  for (i = 0; i < shard_count (d); ++i) {
    uint64_t now = counter_get (&d->shards[i].changes);

    if (now == k->seen[i] && now != k->kept[i]) {
      keep (&d->shards[i]);
      k->kept[i] = now;
    }
    k->seen[i] = now;
  }
}

void
keeper_init (struct zram_disk *d)
{
  worker_init (&d->keeper.worker, "zram-keeper", TICK_MS, look_at_all, d);
}

int
zram_keeper_start (struct zram_disk *d)
{
  struct keeper *k = &d->keeper;
  int r;

  memset (k->seen, 0, sizeof k->seen);
  memset (k->kept, 0, sizeof k->kept);
  r = worker_start (&k->worker);
  if (r == 0)
    r = reserve_start (d);
  if (r < 0)
    zram_keeper_stop (d);
  return r;
}

void
zram_keeper_stop (struct zram_disk *d)
{
  reserve_stop (d);
  worker_stop (&d->keeper.worker);
}

int
zram_compact (struct zram_disk *d)
{
  unsigned i;

  for (i = 0; i < shard_count (d); ++i) {
    struct shard *s = &d->shards[i];

    /* Whoever asks wants it tried, though it got nowhere just now. */
    shard_lock (s);
    store_retry_compaction (&s->store);
    shard_unlock (s);
    while (step (s, COMPACT_NOW))
      ;
    shard_lock (s);
    store_cool (&s->store);
    shard_unlock (s);
  }
  return 0;
}

int
zram_reset (struct zram_disk *d)
{
  unsigned i;
  int r = 0;

  pthread_mutex_lock (&d->change);
  reserve_hold (d);
  for (i = 0; i < shard_count (d) && r == 0; ++i)
    r = shard_reset (&d->shards[i]);
  reserve_let_go (d);
  pthread_mutex_unlock (&d->change);
  if (r == 0)
    stats_zero (&d->stats);
  if (r == 0) {
    os_give_back (d->latencies, sizeof *d->latencies);
    reserve_renew (d);
  }
  return r;
}
