/* nbdkit-zram: how long requests took: histograms.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One histogram an operation and processor, so that a request writes only
 * cache lines of its own.  A bucket is a quarter of a doubling: quantiles
 * are right within 19 %, at the cost of a few instructions.
 */

#ifndef ZRAM_LATENCY_H
#define ZRAM_LATENCY_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "histogram.h"
#include "stats.h"
#include "zram.h"

struct latency_cell {
  _Atomic uint64_t sum_ns;
  _Atomic uint64_t bucket[ZRAM_LATENCY_BUCKETS];
} __attribute__ ((aligned (64)));

struct latencies {
  struct latency_cell cell[STATS_CELLS][ZRAM_OPS];
};

static inline uint64_t
latency_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

/* Bucket 0 ends at 128 ns; the last begins at about 24 s. */
#define LATENCY_SHIFT 7
#define LATENCY_BITS 2

static inline unsigned
latency_bucket (uint64_t ns)
{
  unsigned b = histogram_bucket (ns, LATENCY_SHIFT, LATENCY_BITS);

  return b < ZRAM_LATENCY_BUCKETS ? b : ZRAM_LATENCY_BUCKETS - 1;
}

/* A request that began at `start' has ended. */
static inline void
latency_add (struct latencies *l, enum zram_op op, uint64_t start)
{
  unsigned cpu = (unsigned) sched_getcpu () % STATS_CELLS;
  struct latency_cell *c = &l->cell[cpu][op];
  uint64_t ns = latency_now () - start;

  atomic_fetch_add_explicit (&c->sum_ns, ns, memory_order_relaxed);
  atomic_fetch_add_explicit (&c->bucket[latency_bucket (ns)], 1,
                             memory_order_relaxed);
}

#endif /* ZRAM_LATENCY_H */
