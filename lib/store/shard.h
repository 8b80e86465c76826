/* nbdkit-zram: a shard: a part of the disk with its own lock.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Leaves of 64 slots go to the shards in turn, so that a shard's table
 * and store are a small disk of its own, and no two locks are ever held
 * together.  What is done to one page under the lock is here; what is
 * done outside of it, all coding and decoding, is in disk.c.
 */

#ifndef ZRAM_SHARD_H
#define ZRAM_SHARD_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "claim.h"
#include "counter.h"
#include "late.h"
#include "layout.h"
#include "os.h"
#include "store.h"
#include "table.h"

struct shard_counters {
  struct store_counters store;
  counter stored, zero;         /* pages now */
  counter freed;                /* pages that a trim freed */
  counter marked[MARKS];        /* pages now, as the table counts them */
  counter late;                 /* pages now; they are raw ones */
  counter late_hits;            /* pages written again while late */
  counter late_saved;           /* those, and those trimmed while late */
};

/* Of every so many changes the slot of one is remembered, and so many slots
 * are, so that upkeep can look at what is being written.
 */
#define RECENT_EVERY 64
#define RECENT 128

struct shard {
  pthread_mutex_t lock;
  const struct layout *layout;
  struct account *account;
  uint64_t nslots;
  struct table table;
  struct store store;
  struct claims claims;
  struct late late;
  uint64_t late_margin;         /* bytes below the limit without late pages */
  struct shard_counters n;
  counter changes;              /* for the keeper to see whether any */
  uint64_t recent[RECENT];      /* slots changed lately, now and then one */
  _Atomic unsigned waiting;     /* threads, for the lock */
} __attribute__ ((aligned (64)));

/* -ENOMEM */
extern int shard_init (struct shard *s, const struct layout *layout,
                       uint64_t nslots, unsigned ages,
                       struct account *account);
extern void shard_destroy (struct shard *s);

/* Let so many of its pages be late, before anybody else knows it.  Late
 * pages keep away from the memory limit by so many bytes.  -ENOMEM.
 */
extern int shard_set_late (struct shard *s, uint32_t max, uint64_t margin);

/* A lock is held for about a microsecond.  To sleep and be woken takes
 * many times that, so try for about two before.
 */
#define LOCK_TRIES 100
static inline void
shard_lock (struct shard *s)
{
  unsigned i;

  for (i = 0; i < LOCK_TRIES; ++i) {
    if (pthread_mutex_trylock (&s->lock) == 0)
      return;
    os_relax ();
  }
  s->waiting++;
  pthread_mutex_lock (&s->lock);
  s->waiting--;
}

static inline void
shard_unlock (struct shard *s)
{
  pthread_mutex_unlock (&s->lock);
}

/* For work in many steps, between two of them: a thread that unlocks and
 * locks again at once leaves no chance to those who wait, who must wake up
 * first.
 */
#define GIVE_WAY 100
static inline void
shard_give_way (struct shard *s)
{
  unsigned i;

  for (i = 0; i < GIVE_WAY && s->waiting; ++i)
    sched_yield ();
}

/* Under the lock: what slot is, as store_load has it.  0; -EIO; -EINVAL if
 * the disk has shrunk meanwhile.
 */
extern int shard_fetch (struct shard *s, uint64_t slot, struct fetch *f);

/* For maintenance, under the lock: the same, but it is no access: no mark
 * or age is touched.
 */
extern int shard_peek (const struct shard *s, uint64_t slot,
                       struct fetch *f);

/* Under the lock: the slot of one of the last changes; any number will do.
 * Nothing says that there is still a page.
 */
static inline uint64_t
shard_recent (const struct shard *s, unsigned n)
{
  return s->recent[n % RECENT];
}

/* For maintenance, under the lock: put an equal page, in another form, in
 * the place of the one that shard_peek has shown and that the caller has
 * an unbroken claim on.  It is no access and no change: marks, ages and
 * the claims of others stay, and the keeper is not told.  0; -EINVAL if
 * one of them is empty; else as shard_publish, but no room is made.
 */
extern int shard_swap (struct shard *s, uint64_t slot,
                       const struct content *content);

/* Without the lock: what shard_publish will look at first of n slots is
 * brought into the cache, if nobody has the lock.  To be called before the
 * pages are compressed: that takes much longer than the memory, which can
 * work meanwhile.  Saves a third of what publishing costs.
 */
extern void shard_prefetch (struct shard *s, uint64_t slot, unsigned n);

/* Under the lock: make slot this, break the claims on it, and do a step of
 * compaction if it is due.  Whoever may be in the way of a turn asks
 * turn_respect before.  0; -ENOSPC or -ENOMEM, and the slot is what it was;
 * -EINVAL if the disk has shrunk meanwhile; -EIO if the page is away.
 */
extern int shard_publish (struct shard *s, uint64_t slot,
                          const struct content *content);

/* Under the lock: the same for a page that is stored raw, to be compressed
 * later.  -EBUSY: not this one, or not now; it is to be compressed at once.
 */
extern int shard_publish_late (struct shard *s, uint64_t slot,
                               const void *page);

/* Under the lock: claim the late page written longest ago, and copy it.
 * False: there is none.  When it is encoded, put that in its place, if the
 * claim is unbroken; the claim is over then.  0, or -ENOSPC or -ENOMEM, and
 * it is late as before.
 */
extern bool shard_late_take (struct shard *s, struct claim *claim,
                             char *page);
extern int shard_late_put (struct shard *s, struct claim *claim,
                           const struct content *content);

/* Without the lock: memory is short, and a write has failed for it.  Some
 * of these steps of compaction; false: no more are left, or would help.
 */
#define RELIEF_STEPS 2048       /* empty a segment of any objects */
extern bool shard_relieve (struct shard *s, unsigned *steps);

/* Make slots [from, to) holes or zeroes.  Takes the lock for a page at a
 * time, and waits for turns.  Holes: 0.  Zeroes: 0, -ENOSPC or -ENOMEM.
 */
extern int shard_clear (struct shard *s, uint64_t from, uint64_t to,
                        enum content_type empty);

/* Under the lock: the same for one slot.  -EINVAL if the disk has shrunk
 * meanwhile.
 */
extern int shard_clear_slot (struct shard *s, uint64_t slot,
                             enum content_type empty);

/* Forget everything.  Takes the lock for a moment.  -ENOMEM: nothing was
 * forgotten.
 */
extern int shard_reset (struct shard *s);

/* Are all slots from here on holes?  Takes the lock for a part of them at
 * a time.
 */
extern bool shard_holes_from (struct shard *s, uint64_t slot);

/* Refuse slots from here on, or no more: only ever fewer than the shard
 * has.  Takes the lock.
 */
static inline void
shard_bound (struct shard *s, uint64_t nslots)
{
  shard_lock (s);
  claims_break (&s->claims, nslots, UINT64_MAX);
  s->nslots = nslots;
  shard_unlock (s);
}

/* Change the number of slots, to 0 or more; takes the lock.  Those that go
 * must be holes, and then it does not fail.  -ENOSPC or -ENOMEM, and
 * nothing is changed that shows.
 */
extern int shard_resize (struct shard *s, uint64_t nslots);

/* Under the lock: what is known of a slot; false if it is a hole. */
extern bool shard_describe (const struct shard *s, uint64_t slot,
                            struct zram_slot *about);

/* For a walk through a shard, without the lock: look at a slot under it, or
 * pass over a run of slots, not beyond end, that there is nothing to say of:
 * holes, and zeroes too if they are not wanted.  How many slots that was.
 * What look returns is in *r, which else stays as it is.
 */
typedef int shard_look_fn (void *opaque, struct shard *s, uint64_t slot,
                           const struct zram_slot *about);
extern uint64_t shard_walk (struct shard *s, uint64_t slot, uint64_t end,
                            bool zeroes, shard_look_fn *look, void *opaque,
                            int *r);

/* Under the lock: mark a slot whose entry is not empty, or take a mark off. */
static inline void
shard_mark (struct shard *s, uint64_t slot, enum mark mark, bool on)
{
  table_mark (&s->table, slot, mark, on);
  atomic_store_explicit (&s->n.marked[mark], s->table.marked[mark],
                         memory_order_relaxed);
}

/* A step of compaction, of objects or of the table, under the lock.
 * False: no more is due.
 */
extern bool shard_compact_step (struct shard *s, unsigned per_mille);

/* Between shard.c and shard-late.c. */

enum access { NO_ACCESS, ACCESS };

/* Make slot, whose entry is old, this page: place it, publish it, free the
 * old one, in this order, so that at every instant the table leads to one
 * whole page.  Only where there is no room for both does it go where the old
 * one is.
 */
extern int shard_commit (struct shard *s, uint64_t slot, uint32_t old,
                         const struct content *c, enum access access);

/* A page was committed where some are late, or is late itself. */
extern void shard_late_settle (struct shard *s, uint64_t slot, uint32_t old,
                               uint32_t entry, const struct content *c,
                               bool access);

/* A page was written or cleared. */
static inline void
shard_changed (struct shard *s, uint64_t slot)
{
  uint64_t n = counter_get (&s->changes);

  claims_break (&s->claims, slot, slot + 1);
  counter_add (&s->changes, 1);
  if (n % RECENT_EVERY == 0)
    s->recent[n / RECENT_EVERY % RECENT] = slot;
}

#endif /* ZRAM_SHARD_H */
