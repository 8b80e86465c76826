/* nbdkit-zram: units of one size, numbered, in memory that goes back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Segments, raw pages and table nodes all live in pools.  A unit is
 * known by its id, never by its address.  Units smaller than a page of
 * the operating system share one, a block; a larger unit is a block of
 * its own.  The lowest free unit is used first, so that the blocks at
 * the far end empty; an empty block goes back to the system, but for a
 * few that are kept hot.  With a reserve (pool_keep) all of them stay
 * until its owner lends them out to give them back (reserve.c).
 *
 * Address space comes in chunks, when needed: an empty disk of any size
 * reserves next to nothing, and a system that counts address space
 * (ulimit -v, overcommit_memory=2) counts what is used.
 *
 * Not thread-safe: a pool belongs to a shard and is used under its lock.
 */

#ifndef ZRAM_POOL_H
#define ZRAM_POOL_H

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
  unsigned hot_max;             /* empty blocks kept, to POOL_HOT_MAX */
  size_t extra;                 /* bytes charged with each block, for what
                                   the owner keeps beside it */
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
  uint64_t keep;                /* how many empty ones the reserve has */
  uint64_t lent;                /* the first unit of a block that is on its
                                   way in or out, or BITMAP_NONE */
  uint64_t nchunks;
  char **chunks;
  struct bitmap free;           /* units free in resident blocks */
  struct bitmap away;           /* blocks given back, by number */
  char *beside;                 /* what goes with a block: pool_set_beside */
  size_t beside_unit;
};

extern int pool_init (struct pool *pool, const struct pool_params *params,
                      struct account *account);
extern void pool_destroy (struct pool *pool);

/* Let it have more units; never fewer.  -ENOMEM, and nothing is changed
 * that shows.
 */
extern int pool_grow (struct pool *pool, uint64_t max_units);

/* Give back whole pages of this array too, of so many bytes a unit by id,
 * when a block goes.  Its contents are lost then.  NULL: there is none.
 */
extern void pool_set_beside (struct pool *pool, void *beside, size_t unit);

/* A unit with undefined contents.  0 and *id; -ENOSPC at the limit of
 * the account or when all units are used; -ENOMEM.
 */
extern int pool_alloc (struct pool *pool, uint32_t *id);
extern void pool_free (struct pool *pool, uint32_t id);

/* Is there a free unit in a block before this one's?  pool_alloc takes the
 * lowest, and then cannot fail.
 */
extern bool pool_has_lower (const struct pool *pool, uint32_t id);

/* Give back the blocks kept hot, too, unless they are a reserve. */
extern void pool_cool (struct pool *pool);

/* Give back some of them even then: memory is short. */
extern void pool_drain (struct pool *pool, unsigned blocks);

/* A reserve of so many empty blocks.  They come and go one at a time, each
 * between two holdings of the lock, so that whoever makes them resident or
 * gives them back may wait for memory without keeping the lock.
 */
extern void pool_keep (struct pool *pool, uint64_t blocks);

/* A block that is to become resident, charged already.  -EAGAIN: first
 * map a chunk without the lock, and pass it to pool_chunk_add, which is
 * false if it is not needed any more; -ENOSPC.
 */
extern int pool_lend_away (struct pool *pool, uint64_t *first);
extern bool pool_chunk_add (struct pool *pool, char *chunk);

/* The last empty block, if there are more than so many. */
extern bool pool_lend_hot (struct pool *pool, uint64_t more_than,
                           uint64_t *first);

/* It is back: resident and empty, or given back. */
extern void pool_return (struct pool *pool, bool resident);

/* Compare the pool's lists with its counters.  0 or -EIO. */
extern int pool_check (const struct pool *pool);

/* Is this id handed out? */
extern bool pool_is_used (const struct pool *pool, uint64_t id);

static inline void *
pool_at (const struct pool *pool, uint32_t id)
{
  size_t within = id & ((UINT32_C (1) << pool->chunk_shift) - 1);

  return pool->chunks[id >> pool->chunk_shift] +
    (within << pool->unit_shift);
}

#endif /* ZRAM_POOL_H */
