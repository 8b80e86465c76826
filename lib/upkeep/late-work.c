/* nbdkit-zram: workers that compress late pages.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <sched.h>
#include <time.h>

#include "late-work.h"
#include "os.h"
#include "page-code.h"

/* How often to look for shards that are quiet, and how long is quiet. */
#define TICK_MS 500
#define QUIET_MS 1000

/* Pages for which a workspace is kept: less than a writer keeps it for. */
#define KEPT_FOR 8

/* How far a shard that was half full is emptied: not much further, since
 * what is late longer is overwritten more often; but some, so that a worker
 * has something to do when it is woken up.
 */
static uint32_t
late_low (const struct shard *s)
{
  return s->late.max / 2 - s->late.max / 8;
}

/* Compress some late pages of a shard, while it has more than so many.
 * Those that stay late for want of memory are counted.  False: there are no
 * more to be had.
 */
static bool
late_compress (const struct parts *p, struct shard *s, struct workspace *w,
               uint32_t low, unsigned *failed)
{
  struct claim claim;
  struct content c;
  bool has = false;
  unsigned i;

  for (i = 0; i == 0 || has; ++i) {
    shard_lock (s);
    if (has && shard_late_put (s, &claim, &c) < 0)
      ++*failed;
    has = i < KEPT_FOR && s->late.n > low &&
      shard_late_take (s, &claim, w->page);
    shard_unlock (s);
    if (has)
      page_encode (p->layout, &w->encoder, w->page, CONTENT_ZERO, &c);
  }
  return i > KEPT_FOR;
}

/* Compress a few late pages of a shard, whatever is in the way.  False: there
 * are no more, or no memory.
 */
static bool
late_step (const struct parts *p, struct shard *s)
{
  struct workspace *w = workspace_get (p->workspaces);
  unsigned failed = 0;
  bool more = late_compress (p, s, w, 0, &failed);

  workspace_put (w);
  shard_give_way (s);
  return more && failed == 0;
}

/* Give back what late pages held. */
static void
late_cool (struct shard *s)
{
  shard_lock (s);
  store_cool (&s->store);
  shard_unlock (s);
}

/* Those that are late when it begins, and no more of them than `pages'.
 * How many there may have been.
 */
static uint64_t
late_flush_shard (const struct parts *p, struct shard *s, uint64_t pages)
{
  uint64_t n = counter_get (&s->n.late), done = 0;
  bool more = n > 0;

  if (n > pages)
    n = pages;
  for (; more && done < n; done += KEPT_FOR)
    more = late_step (p, s);
  late_cool (s);
  return done;
}

bool
late_work_flush (const struct parts *p, uint64_t pages)
{
  uint64_t held = atomic_load (&p->account->held), done = 0;
  unsigned i;

  for (i = 0; i < p->nshards && done < pages; ++i)
    if (p->shards[i].late.max)
      done += late_flush_shard (p, &p->shards[i], pages - done);
  return done > 0 || atomic_load (&p->account->held) < held;
}

/* Workers. */

static void
late_worker_tell (struct late_worker *w)
{
  if (!atomic_exchange (&w->told, true))
    worker_tell (&w->worker);
}

void
late_work_tell (struct late_work *l)
{
  if (l->n && l->worker[0].worker.running)
    late_worker_tell (&l->worker[0]);
}

/* A page after another, unless all workspaces are taken: then there are
 * writers for every processor, and they compress what does not fit.
 */
static bool
late_worker_step (struct late_worker *lw, struct shard *s)
{
  const struct parts *p = lw->all->parts;
  struct workspace *w = workspace_try (p->workspaces);
  unsigned failed = 0;
  bool more;

  if (!w)
    return false;
  more = late_compress (p, s, w, late_low (s), &failed);
  workspace_put (w);
  shard_give_way (s);
  return more && failed == 0;
}

/* Empty a shard that is half full, with the next worker's help if it is
 * much.
 */
static void
late_worker_shard (struct late_worker *lw, struct shard *s)
{
  struct late_work *l = lw->all;

  if (!late_is_half_full (s))
    return;
  while (late_worker_step (lw, s) && !worker_stops (&lw->worker))
    if (late_is_half_full (s) && lw->number + 1 < l->n)
      late_worker_tell (&l->worker[lw->number + 1]);
}

static uint64_t
late_now_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* A shard that nobody has written to since is emptied, unless somebody does
 * now, and the keeper told, so that it tidies up once more.
 */
static void
late_look_at (struct late_work *l, unsigned i)
{
  struct shard *s = &l->parts->shards[i];
  uint64_t seen = l->seen[i];

  if (counter_get (&s->n.late) && counter_get (&s->changes) == seen) {
    while (counter_get (&s->changes) == seen && late_step (l->parts, s) &&
           !worker_stops (&l->worker[0].worker))
      ;
    shard_lock (s);
    counter_add (&s->changes, 1);
    shard_unlock (s);
  }
  l->seen[i] = counter_get (&s->changes);
}

static void
late_look (struct late_work *l)
{
  uint64_t now = late_now_ms ();
  unsigned i;

  if (now - l->looked < QUIET_MS)
    return;
  l->looked = now;
  for (i = 0; i < l->parts->nshards; ++i)
    late_look_at (l, i);
}

static void
late_worker_work (void *opaque)
{
  struct late_worker *lw = opaque;
  const struct parts *p = lw->all->parts;
  unsigned i, first = lw->number * p->nshards / lw->all->n;

  atomic_store (&lw->told, false);
  if (lw->number == 0)
    late_look (lw->all);
  for (i = 0; i < p->nshards; ++i)
    late_worker_shard (lw, &p->shards[(first + i) % p->nshards]);
}

int
late_work_init (struct late_work *l, const struct parts *parts, unsigned n)
{
  unsigned i;

  *l = (struct late_work) { .parts = parts };
  if (n == 0)
    return 0;
  l->worker = os_alloc (n * sizeof *l->worker);
  if (!l->worker)
    return -ENOMEM;
  l->n = n;
  for (i = 0; i < n; ++i) {
    l->worker[i].all = l;
    l->worker[i].number = i;
    worker_init (&l->worker[i].worker, "zram-late", i == 0 ? TICK_MS : 0,
                 late_worker_work, &l->worker[i]);
  }
  return 0;
}

void
late_work_destroy (struct late_work *l)
{
  unsigned i;

  for (i = 0; i < l->n; ++i)
    worker_destroy (&l->worker[i].worker);
  os_free (l->worker, l->n * sizeof *l->worker);
  l->n = 0;
}

int
late_work_start (struct late_work *l)
{
  unsigned i;
  int r = 0;

  for (i = 0; i < l->n && r == 0; ++i) {
    l->worker[i].told = false;
    r = worker_start (&l->worker[i].worker);
  }
  if (r < 0)
    late_work_stop (l);
  return r;
}

void
late_work_stop (struct late_work *l)
{
  unsigned i;

  for (i = 0; i < l->n; ++i)
    worker_stop (&l->worker[i].worker);
}
