/* nbdkit-zram: how long requests took: histograms.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "disk.h"

uint64_t
zram_latency_bound (unsigned bucket)
{
  if (bucket >= ZRAM_LATENCY_BUCKETS - 1)
    return UINT64_MAX;
  return histogram_bound (bucket, LATENCY_SHIFT, LATENCY_BITS);
}

void
zram_latency (const struct zram_disk *d, enum zram_op op,
              struct zram_latency *l)
{
  unsigned cpu, b;

  memset (l, 0, sizeof *l);
  for (cpu = 0; cpu < STATS_CELLS; ++cpu) {
    const struct latency_cell *c = &d->latencies->cell[cpu][op];

    l->sum_ns += atomic_load_explicit (&c->sum_ns, memory_order_relaxed);
    for (b = 0; b < ZRAM_LATENCY_BUCKETS; ++b)
      l->bucket[b] += atomic_load_explicit (&c->bucket[b],
                                            memory_order_relaxed);
  }
  for (b = 0; b < ZRAM_LATENCY_BUCKETS; ++b)
    l->count += l->bucket[b];
}

uint64_t
zram_latency_quantile (const struct zram_latency *l, double fraction)
{
  double want = fraction * (double) l->count;
  uint64_t seen = 0;
  unsigned b;

  if (l->count == 0)
    return 0;
  for (b = 0; b < ZRAM_LATENCY_BUCKETS - 1; ++b) {
    seen += l->bucket[b];
    if ((double) seen >= want && seen > 0)
      break;
  }
  return zram_latency_bound (b);
}
