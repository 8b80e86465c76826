/* nbdkit-zram: the account of the memory that a disk holds.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory is charged when it becomes resident and credited when it is given
 * back, so the account follows the resident size of the process.  The limit
 * is checked in the same step as the charge, so several threads cannot pass
 * it together.  Each disk has one account.  Only operations that open or
 * empty a segment touch it.
 */

#ifndef ZRAM_ACCOUNT_H
#define ZRAM_ACCOUNT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

enum account_kind {
  ACCOUNT_SEGMENTS, ACCOUNT_RAW, ACCOUNT_TABLE, ACCOUNT_CODECS,
  ACCOUNT_OTHER, ACCOUNT_KINDS
};

/* All in bytes. */
struct account {
  _Atomic uint64_t held, peak;
  _Atomic uint64_t limit;       /* 0: none */
  _Atomic uint64_t kind[ACCOUNT_KINDS];
  _Atomic uint64_t ready[ACCOUNT_KINDS];        /* part of kind: empty blocks */
  _Atomic uint64_t misses;      /* blocks that a reserve did not have */
};

/* Raise the peak to `held', if it is lower. */
static inline void
account_peak (struct account *a, uint64_t held)
{
  uint64_t peak = atomic_load_explicit (&a->peak, memory_order_relaxed);

  while (held > peak &&
         !atomic_compare_exchange_weak (&a->peak, &peak, held))
    ;
}

/* Charge bytes without regard to the limit: they are held already. */
static inline void
account_force (struct account *a, enum account_kind kind, uint64_t bytes)
{
  atomic_fetch_add_explicit (&a->kind[kind], bytes, memory_order_relaxed);
  account_peak (a, atomic_fetch_add (&a->held, bytes) + bytes);
}

/* Charge bytes that are about to be held.  -ENOSPC if they would pass the
 * limit; then nothing is charged.
 */
static inline int
account_charge (struct account *a, enum account_kind kind, uint64_t bytes)
{
  uint64_t limit = atomic_load_explicit (&a->limit, memory_order_relaxed);
  uint64_t held = atomic_load_explicit (&a->held, memory_order_relaxed);

  do {
    if (limit && held + bytes > limit)
      return -ENOSPC;
  } while (!atomic_compare_exchange_weak (&a->held, &held, held + bytes));
  atomic_fetch_add_explicit (&a->kind[kind], bytes, memory_order_relaxed);
  account_peak (a, held + bytes);
  return 0;
}

/* Credit bytes that were charged and are no longer held. */
static inline void
account_credit (struct account *a, enum account_kind kind, uint64_t bytes)
{
  atomic_fetch_sub_explicit (&a->held, bytes, memory_order_relaxed);
  atomic_fetch_sub_explicit (&a->kind[kind], bytes, memory_order_relaxed);
}

#endif /* ZRAM_ACCOUNT_H */
