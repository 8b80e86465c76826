/* nbdkit-zram: counters of operations.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One cell of counters a processor, so that no cache line is shared by
 * operations on different ones; a reader adds the cells up.  The state of
 * the disk (pages, bytes) is counted by the shards, under their locks.
 */

#ifndef ZRAM_STATS_H
#define ZRAM_STATS_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

enum stat {
  STAT_READS, STAT_WRITES, STAT_READ_BYTES, STAT_WRITE_BYTES,
  STAT_ZEROES, STAT_TRIMS, STAT_FAILED_READS, STAT_FAILED_WRITES,
  STAT_CORRUPT, STAT_MERGES_RETRIED, STATS
};

struct stats_cell {
  _Atomic uint64_t n[STATS];
} __attribute__ ((aligned (64)));

#define STATS_CELLS 16          /* a power of two */

struct stats {
  struct stats_cell cell[STATS_CELLS];
};

static inline void
stats_add (struct stats *s, enum stat what, uint64_t n)
{
  unsigned cell = (unsigned) sched_getcpu () % STATS_CELLS;

  /* A thread may move between the two lines: still atomic, only slower. */
  atomic_fetch_add_explicit (&s->cell[cell].n[what], n,
                             memory_order_relaxed);
}

static inline uint64_t
stats_get (const struct stats *s, enum stat what)
{
  uint64_t n = 0;
  unsigned i;

  for (i = 0; i < STATS_CELLS; ++i)
    n += atomic_load_explicit (&s->cell[i].n[what], memory_order_relaxed);
  return n;
}

static inline void
stats_zero (struct stats *s)
{
  unsigned i, j;

  for (i = 0; i < STATS_CELLS; ++i)
    for (j = 0; j < STATS; ++j)
      atomic_store_explicit (&s->cell[i].n[j], 0, memory_order_relaxed);
}

#endif /* ZRAM_STATS_H */
