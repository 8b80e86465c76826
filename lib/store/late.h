/* nbdkit-zram: pages that are not compressed yet.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A late page is stored raw for the time being.  Workers compress those
 * that were written longest ago (upkeep/late-work.h); one that is
 * overwritten before is never compressed.  Here is only who is late: a few
 * slots of a shard, in the order in which they were last written.  The
 * pages are the store's, like all pages, and a slot is late only while its
 * entry of the table leads to a raw page.
 *
 * Whether that saves anything is measured all the time, whether it is done
 * or not: `seen' has, for each value of a hash, the slot that was written
 * last.  A write that finds its own slot there would have found it in a
 * buffer of that size.
 *
 * Not thread-safe: used under the shard's lock.
 */

#ifndef ZRAM_LATE_H
#define ZRAM_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "counter.h"

#define LATE_NONE UINT32_MAX

/* Where writes find less than so many per cent it is switched off, and from
 * so many on it is switched on again.
 */
#define LATE_OFF_PER_CENT 10
#define LATE_ON_PER_CENT 13

struct late_page {
  uint32_t slot;                /* in the shard */
  uint32_t next;                /* of the same hash, or free */
  uint32_t newer, older;
  bool taken;                   /* somebody is compressing it */
};

struct late {
  uint32_t max;                 /* so many at most; 0: never any */
  uint32_t n;
  unsigned hash_shift;
  struct late_page *page;
  uint32_t *first;              /* by hash */
  uint32_t *seen;               /* by hash: a slot and 1, or 0 */
  uint32_t unused;              /* first of a list */
  uint32_t newest, oldest;
  uint32_t writes, found;       /* since it was last judged */
  _Atomic bool pays;            /* so it is done; read without the lock */
};

/* -ENOMEM. */
extern int late_init (struct late *l, uint32_t max);
extern void late_destroy (struct late *l);

/* What it holds, in bytes. */
extern uint64_t late_bytes (uint32_t max);

/* Return the number of a slot's late page, or LATE_NONE. */
extern uint32_t late_search (const struct late *l, uint64_t slot);
static inline uint32_t
late_find (const struct late *l, uint64_t slot)
{
  return l->n ? late_search (l, slot) : LATE_NONE;
}

/* Let a slot be late, which is not, while there are less than max. */
extern void late_add (struct late *l, uint64_t slot);

/* It was written again: it is the newest, and whoever had taken it works
 * for nothing.
 */
extern void late_refresh (struct late *l, uint32_t i);

extern void late_remove (struct late *l, uint32_t i);
extern void late_clear (struct late *l);

/* Return the one written longest ago that nobody has taken, or
 * LATE_NONE.
 */
extern uint32_t late_oldest (const struct late *l);

/* A page was written that had to be compressed, or could be late: judge
 * whether that pays.
 */
extern void late_note (struct late *l, uint64_t slot);

/* For checks: are lists and numbers right?  0 or -EIO. */
extern int late_check (const struct late *l);

#endif /* ZRAM_LATE_H */
