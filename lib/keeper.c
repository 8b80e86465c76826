/* nbdkit-zram: upkeep in the background, compaction and reset on request.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The keeper looks at each shard now and then.  One that nobody changed
 * since is compacted further than writes do it, and gives back what it
 * kept ready for them.  Each step is a page's worth of work under the
 * shard's lock, which is then let go.  Workspaces that nobody wanted
 * lately go too.
 */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <time.h>

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
  arena_cool (&s->arena);
  shard_unlock (s);
}

/* Wait for a tick.  False: stop. */
static bool
tick (struct keeper *k)
{
  struct timespec until;
  bool go_on;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_nsec += TICK_MS * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock (&k->lock);
  if (!k->stop)
    pthread_cond_timedwait (&k->wake, &k->lock, &until);
  go_on = !k->stop;
  pthread_mutex_unlock (&k->lock);
  return go_on;
}

static void *
keeper_thread (void *arg)
{
  struct zram_disk *d = arg;
  struct { uint64_t seen, kept; } shard[SHARDS_MAX] = { { 0, 0 } };
  unsigned i;

  while (tick (&d->keeper)) {
    workspaces_trim (&d->workspaces);
    for (i = 0; i < shard_count (d); ++i) {
      uint64_t now = counter_get (&d->shards[i].changes);

      if (now == shard[i].seen && now != shard[i].kept) {
        keep (&d->shards[i]);
        shard[i].kept = now;
      }
      shard[i].seen = now;
    }
  }
  return NULL;
}

/* Signals are for the server's own threads. */
int
zram_keeper_start (struct zram_disk *d)
{
  sigset_t all, old;
  int r;

  d->keeper.stop = false;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  r = pthread_create (&d->keeper.thread, NULL, keeper_thread, d);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (r != 0)
    return -r;
  d->keeper.running = true;
  r = reserve_start (d);
  if (r < 0)
    zram_keeper_stop (d);
  return r;
}

void
zram_keeper_stop (struct zram_disk *d)
{
  struct keeper *k = &d->keeper;

  reserve_stop (d);
  if (!k->running)
    return;
  pthread_mutex_lock (&k->lock);
  k->stop = true;
  pthread_cond_signal (&k->wake);
  pthread_mutex_unlock (&k->lock);
  pthread_join (k->thread, NULL);
  k->running = false;
}

int
zram_compact (struct zram_disk *d)
{
  unsigned i;

  for (i = 0; i < shard_count (d); ++i) {
    struct shard *s = &d->shards[i];

    /* Whoever asks wants it tried, though it got nowhere just now. */
    shard_lock (s);
    s->arena.stalled_steps = 0;
    shard_unlock (s);
    while (step (s, COMPACT_NOW))
      ;
    shard_lock (s);
    arena_cool (&s->arena);
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
