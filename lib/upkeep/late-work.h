/* nbdkit-zram: workers that compress late pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * There are as many as processors but one, and at least one.  They sleep
 * until some shard is half full of late pages, and then compress those that
 * were written longest ago; all of a shard's when it has not been written
 * to for a second.  Nobody waits for them: whoever finds a shard full
 * compresses his page himself.
 */

#ifndef ZRAM_LATE_WORK_H
#define ZRAM_LATE_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "parts.h"
#include "worker.h"

struct late_worker {
  struct worker worker;
  struct late_work *all;
  unsigned number;
  _Atomic bool told;            /* it is awake, or will be */
};

struct late_work {
  const struct parts *parts;
  struct late_worker *worker;
  unsigned n;                   /* workers; 0: pages are never late */
  uint64_t looked;              /* when the first looked for quiet shards */
  uint64_t seen[SHARDS_MAX];    /* a shard's changes then */
};

/* n workers, which may be none.  -ENOMEM. */
extern int late_work_init (struct late_work *l, const struct parts *parts,
                           unsigned n);
extern void late_work_destroy (struct late_work *l);

/* Start and stop their threads.  What is late when they stop stays so.
 * -errno, and none is left.
 */
extern int late_work_start (struct late_work *l);
extern void late_work_stop (struct late_work *l);

/* A shard is half full of late pages from here on. */
static inline bool
late_is_half_full (const struct shard *s)
{
  return counter_get (&s->n.late) > s->late.max / 2;
}
extern void late_work_tell (struct late_work *l);

/* Compress so many late pages now, or all, and give back what they held.
 * False: there was nothing to do.
 */
#define LATE_ALL UINT64_MAX
extern bool late_work_flush (const struct parts *parts, uint64_t pages);

#endif /* ZRAM_LATE_WORK_H */
