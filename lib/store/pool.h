/* nbdkit-zram: units of one size, numbered, in memory that can be given back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Segments, raw pages and table nodes all live in pools.  A unit is
 * identified by its id, never by its address.  Several units smaller than a
 * page of the operating system share such a page, which is called a block.
 * A larger unit is a block by itself.  The lowest free unit is used first,
 * so that the blocks at the far end become empty.  An empty block goes back
 * to the system, except a few that are kept hot.  With a reserve (pool_keep)
 * all empty blocks stay until the owner of the reserve gives them back
 * (reserve.c).
 *
 * Address space comes in chunks, when needed.  So an empty disk of any size
 * reserves almost nothing, and a system that counts address space
 * (ulimit -v, overcommit_memory=2) counts only what is used.
 *
 * Not thread-safe: a pool belongs to a shard and is used under its lock.
 */

#ifndef ZRAM_POOL_H
#define ZRAM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "bitmap.h"

#define POOL_CHUNK_SHIFT 24     /* 16 MiB */
#define POOL_CHUNK ((size_t) 1 << POOL_CHUNK_SHIFT)
#define POOL_HOT_MAX 4

struct pool_params {
  size_t unit;                  /* bytes, a power of two >= 64 */
  uint64_t max_units;           /* 1 .. ID_MAX */
  unsigned hot_max;             /* empty blocks kept, 0 .. POOL_HOT_MAX */
  size_t extra;                 /* bytes charged in addition for each block:
                                   those of pool_set_beside */
  enum account_kind kind;
};

struct pool {
  struct pool_params p;
  struct account *account;
  unsigned unit_shift;
  unsigned chunk_shift;         /* log2 of units in a chunk */
  unsigned block_units;         /* units in a block, 1 .. 64 */
  size_t block;                 /* bytes */
  uint64_t fresh;               /* units from here on were never used */
  uint64_t used;                /* units handed out */
  uint64_t resident;            /* blocks that hold memory */
  uint64_t nhot;                /* of those, empty */
  uint64_t keep;                /* how many empty ones the reserve wants */
  bool prepaid;                 /* one more is charged than is resident */
  bool spend;                   /* it may be taken, at the limit */
  uint64_t lent;                /* the first unit of a block that is being
                                   filled or given back, or BITMAP_NONE */
  uint64_t nchunks;
  char **chunks;
  struct bitmap free;           /* units free in resident blocks */
  struct bitmap away;           /* blocks given back, by number */
  char *beside;                 /* the array of pool_set_beside */
  size_t beside_unit;
};

/* Make an empty pool, which charges its blocks to the account.  -ENOMEM. */
extern int pool_init (struct pool *pool, const struct pool_params *params,
                      struct account *account);
extern void pool_destroy (struct pool *pool);

/* Allow max_units units, no fewer than before.  On -ENOMEM the pool works as
 * before.
 */
extern int pool_grow (struct pool *pool, uint64_t max_units);

/* Set an array that has `unit' bytes for each unit, by its id.  When a block
 * goes back to the system, whole pages of the array go with it, and their
 * contents are lost.  The caller owns the array.  NULL: there is none.
 */
extern void pool_set_beside (struct pool *pool, void *beside, size_t unit);

/* Allocate a unit with undefined contents, and write its id to *id.  -ENOSPC
 * if the account is at its limit or all units are used; -ENOMEM.
 */
extern int pool_alloc (struct pool *pool, uint32_t *id);

/* Free a unit. */
extern void pool_free (struct pool *pool, uint32_t id);

/* Return whether there is a free unit in a block before the block of this one.
 * If so, pool_alloc takes the lowest such unit, and cannot fail.
 */
extern bool pool_has_lower (const struct pool *pool, uint32_t id);

/* Give back the blocks that are kept hot, unless they are a reserve. */
extern void pool_cool (struct pool *pool);

/* Give back so many hot blocks even if they are a reserve: memory is short. */
extern void pool_drain (struct pool *pool, unsigned blocks);

/* Charge one block ahead, so that later, with `spend' set, pool_alloc can
 * take a block though the limit is reached.  0, also if it is charged
 * already, or -ENOSPC.
 */
extern int pool_prepay (struct pool *pool);

/* Credit that block again: nobody will need it. */
extern void pool_refund (struct pool *pool);

/* Set how many empty blocks the reserve wants.  The functions below bring
 * blocks in and out, one at a time.  The lock is not held in between, so the
 * thread that makes a block resident, or gives it back, may wait for memory
 * without keeping the lock.
 */
extern void pool_keep (struct pool *pool, uint64_t blocks);

/* Lend out a block that the caller makes resident; it is already charged.
 * -EAGAIN: map a chunk without the lock, pass it to pool_chunk_add, and try
 * again.  pool_chunk_add returns false if the pool no longer needs the chunk.
 * -ENOSPC.
 */
extern int pool_lend_away (struct pool *pool, uint64_t *first);
extern bool pool_chunk_add (struct pool *pool, char *chunk);

/* Lend out the last empty block, which the caller gives back to the system.
 * False if there are not more than more_than empty blocks.
 */
extern bool pool_lend_hot (struct pool *pool, uint64_t more_than,
                           uint64_t *first);

/* Return the block that was lent out: it is now resident and empty, or it has
 * been given back to the system.
 */
extern void pool_return (struct pool *pool, bool resident);

/* Compare the pool's lists with its counters.  -EIO if they differ. */
extern int pool_check (const struct pool *pool);

/* Return whether the unit of this id is handed out. */
extern bool pool_is_used (const struct pool *pool, uint64_t id);

/* Return the address of a unit. */
static inline void *
pool_at (const struct pool *pool, uint32_t id)
{
  size_t within = id & ((UINT32_C (1) << pool->chunk_shift) - 1);

  return pool->chunks[id >> pool->chunk_shift] +
    (within << pool->unit_shift);
}

#endif /* ZRAM_POOL_H */
