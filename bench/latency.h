/* nbdkit-zram: a histogram of latencies.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * 64 buckets for each power of two of nanoseconds: a percentile is at most
 * 1.6 % too high, and recording costs one increment.
 */

#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>
#include <string.h>

#define LATENCY_BITS 6
#define LATENCY_BUCKETS ((64 - LATENCY_BITS + 1) << LATENCY_BITS)

struct latency {
  uint64_t buckets[LATENCY_BUCKETS];
  uint64_t count, sum, max;
};

static inline unsigned
latency_bucket (uint64_t ns)
{
  unsigned shift;

  if (ns < 1 << LATENCY_BITS)
    return (unsigned) ns;
  shift = 63 - __builtin_clzll (ns) - LATENCY_BITS;
  return ((shift + 1) << LATENCY_BITS) +
    (unsigned) ((ns >> shift) & ((1 << LATENCY_BITS) - 1));
}

/* The first value beyond the bucket. */
static inline uint64_t
latency_bucket_end (unsigned bucket)
{
  unsigned shift = bucket >> LATENCY_BITS;
  uint64_t low = bucket & ((1 << LATENCY_BITS) - 1);

  if (shift == 0)
    return low + 1;
  return (low + (1 << LATENCY_BITS) + 1) << (shift - 1);
}

static inline void
latency_add (struct latency *l, uint64_t ns)
{
  l->buckets[latency_bucket (ns)]++;
  l->count++;
  l->sum += ns;
  if (ns > l->max)
    l->max = ns;
}

/* Add all of another. */
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

/* The latency, in nanoseconds, that this part of the requests had at most. */
static inline uint64_t
latency_percentile (const struct latency *l, double part)
{
  uint64_t wanted = (uint64_t) (part * (double) l->count), seen = 0, end;
  unsigned i;

  for (i = 0; i < LATENCY_BUCKETS; ++i) {
    seen += l->buckets[i];
    if (seen > wanted) {
      end = latency_bucket_end (i);
      return end < l->max ? end : l->max;
    }
  }
  return l->max;
}

#endif /* BENCH_LATENCY_H */
