/* nbdkit-zram: a counter with one writer at a time and any readers.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is written under a lock and read without one.  Neither needs a locked
 * instruction.
 */

#ifndef ZRAM_COUNTER_H
#define ZRAM_COUNTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

/* Return the count. */
static inline uint64_t
counter_get (const counter *c)
{
  return atomic_load_explicit (c, memory_order_relaxed);
}

/* Add n to the counter, or subtract it.  The caller holds the lock. */
static inline void
counter_add (counter *c, uint64_t n)
{
  atomic_store_explicit (c, counter_get (c) + n, memory_order_relaxed);
}

static inline void
counter_sub (counter *c, uint64_t n)
{
  counter_add (c, -n);
}

/* Set all counters of a struct to 0.  The struct has this many bytes, and
 * nothing but counters.
 */
static inline void
counter_zero_all (void *counters, size_t bytes)
{
  counter *c = counters;

  for (; bytes >= sizeof *c; bytes -= sizeof *c)
    atomic_store_explicit (c++, 0, memory_order_relaxed);
}

#endif /* ZRAM_COUNTER_H */
