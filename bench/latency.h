/* nbdkit-zram: a histogram of latencies, of one thread.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Finer than the disk's own (lib/latency.h): 64 buckets for each power of two
 * of nanoseconds, so that a percentile is at most 1.6 % too high.
 */

#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#include "histogram.h"

#define LATENCY_SHIFT 6
#define LATENCY_BITS 6
#define LATENCY_BUCKETS (((64 - LATENCY_SHIFT) << LATENCY_BITS) + 1)

struct latency {
  uint64_t buckets[LATENCY_BUCKETS];
  uint64_t count, sum, max;
};

static inline void
latency_add (struct latency *l, uint64_t ns)
{
  l->buckets[histogram_bucket (ns, LATENCY_SHIFT, LATENCY_BITS)]++;
  l->count++;
  l->sum += ns;
  if (ns > l->max)
    l->max = ns;
}

/* Add all requests of another histogram. */
static inline void
latency_join (struct latency *l, const struct latency *other)
{
  unsigned i;

  for (i = 0; i < LATENCY_BUCKETS; ++i)
    l->buckets[i] += other->buckets[i];
  l->count += other->count;
  l->sum += other->sum;
  if (other->max > l->max)
    l->max = other->max;
}

/* Return the nanoseconds that this part of the requests took at most. */
static inline uint64_t
latency_percentile (const struct latency *l, double part)
{
  uint64_t wanted = (uint64_t) (part * (double) l->count), seen = 0, end;
  unsigned i;

  for (i = 0; i < LATENCY_BUCKETS; ++i) {
    seen += l->buckets[i];
    if (seen > wanted) {
      end = histogram_bound (i, LATENCY_SHIFT, LATENCY_BITS);
      return end < l->max ? end : l->max;
    }
  }
  return l->max;
}

#endif /* BENCH_LATENCY_H */
