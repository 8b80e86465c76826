/* nbdkit-zram: the buckets of a histogram of times.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each doubling is divided into 2^bits buckets, so the error of a quantile
 * is at most one part in 2^bits.  Bucket 0 has all times below 2^shift.
 */

#ifndef ZRAM_HISTOGRAM_H
#define ZRAM_HISTOGRAM_H

#include <stdint.h>

/* Return the number of the bucket that a time, in ns, belongs to. */
static inline unsigned
histogram_bucket (uint64_t ns, unsigned shift, unsigned bits)
{
  unsigned log;

  if (ns < UINT64_C (1) << shift)
    return 0;
  log = 63 - (unsigned) __builtin_clzll (ns);
  return ((log - shift) << bits) +
    (unsigned) (ns >> (log - bits) & ((1u << bits) - 1)) + 1;
}

/* Return the first time, in ns, that is too long for a bucket. */
static inline uint64_t
histogram_bound (unsigned bucket, unsigned shift, unsigned bits)
{
  unsigned log = shift + (bucket >> bits), part = bucket & ((1u << bits) - 1);

  return ((UINT64_C (1) << bits) + part) << (log - bits);
}

#endif /* ZRAM_HISTOGRAM_H */
