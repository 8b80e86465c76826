/* nbdkit-zram: units of one size, numbered, in memory that goes back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A block is in one of these states:
 *   fresh      never used: beyond pool->fresh
 *   in use     some of its units are handed out, the others in free
 *   hot        all of its units are in free; at most hot_max of these, or
 *              any number in a pool with a reserve
 *   away       given back; it is in away and its units are not in free
 *   lent       like one in use, to all but pool_is_used; one at most
 */

#include <config.h>

#include <errno.h>

#include "invariant.h"
#include "layout.h"
#include "os.h"
#include "pool.h"

/* So many more blocks are empty, or fewer. */
static void
pool_count_hot (struct pool *pool, uint64_t n)
{
  pool->nhot += n;
  atomic_fetch_add_explicit (&pool->account->ready[pool->p.kind],
                             n * pool->block, memory_order_relaxed);
}

/* Pools with no more units are checked whole, in a build that does so. */
#define CHECK_MAX 16384

/* So that every unit of a block is a legal id. */
static uint64_t
pool_whole_blocks (const struct pool *pool, uint64_t units)
{
  return units + (-units & (pool->block_units - 1));
}

int
pool_init (struct pool *pool, const struct pool_params *params,
           struct account *account)
{
  *pool = (struct pool) {
    .p = *params, .account = account, .lent = BITMAP_NONE,
  };
  pool->unit_shift = (unsigned) __builtin_ctzll (params->unit);
  pool->chunk_shift = POOL_CHUNK_SHIFT - pool->unit_shift;
  pool->block = params->unit < OS_PAGE ? OS_PAGE : params->unit;
  pool->block_units = (unsigned) (pool->block >> pool->unit_shift);
  pool->p.max_units = pool_whole_blocks (pool, params->max_units);
  pool->nchunks = (pool->p.max_units >> pool->chunk_shift) + 1;
  pool->chunks = os_alloc (pool->nchunks * sizeof (char *));
  if (!pool->chunks ||
      bitmap_init (&pool->free, pool->p.max_units) == -ENOMEM ||
      bitmap_init (&pool->away,
                   pool->p.max_units / pool->block_units) == -ENOMEM) {
    pool_destroy (pool);
    return -ENOMEM;
  }
  return 0;
}

int
pool_grow (struct pool *pool, uint64_t max_units)
{
  uint64_t units = pool_whole_blocks (pool, max_units);
  uint64_t nchunks = (units >> pool->chunk_shift) + 1;
  char **chunks;

  if (units <= pool->p.max_units)
    return 0;
  if (nchunks > pool->nchunks) {
    chunks = os_grow (pool->chunks, pool->nchunks * sizeof *chunks,
                      nchunks * sizeof *chunks);
    if (!chunks)
      return -ENOMEM;
    pool->chunks = chunks;
    pool->nchunks = nchunks;
  }
  if (bitmap_grow (&pool->free, units) < 0 ||
      bitmap_grow (&pool->away, units / pool->block_units) < 0)
    return -ENOMEM;
  pool->p.max_units = units;
  return 0;
}

void
pool_destroy (struct pool *pool)
{
  uint64_t i, last;

  if (pool->chunks) {
    /* One more may be mapped ahead. */
    last = (pool->fresh >> pool->chunk_shift) + 1;
    for (i = 0; i < last; ++i)
      os_unmap (pool->chunks[i], POOL_CHUNK);
    os_free (pool->chunks, pool->nchunks * sizeof (char *));
    pool->chunks = NULL;
  }
  bitmap_free (&pool->free);
  bitmap_free (&pool->away);
  pool_refund (pool);
  account_credit (pool->account, pool->p.kind,
                  pool->resident * (pool->block + pool->p.extra));
  pool_count_hot (pool, -pool->nhot);
  pool->resident = 0;
}

static bool
pool_block_is_empty (const struct pool *pool, uint64_t first)
{
  unsigned n = pool->block_units;

  return bitmap_bits (&pool->free, first, n) == UINT64_MAX >> (64 - n);
}

static uint64_t
pool_block_first (const struct pool *pool, uint64_t id)
{
  return id & ~(uint64_t) (pool->block_units - 1);
}

/* Take the next block that was never used.  The chunk it lies in is
 * mapped when its first block is taken.
 */
static int
pool_block_fresh (struct pool *pool, uint64_t *first)
{
  uint64_t chunk = pool->fresh >> pool->chunk_shift;

  if (pool->fresh >= pool->p.max_units)
    return -ENOSPC;
  if (!pool->chunks[chunk]) {
    pool->chunks[chunk] = os_map (POOL_CHUNK);
    if (!pool->chunks[chunk])
      return -ENOMEM;
  }
  *first = pool->fresh;
  pool->fresh += pool->block_units;
  return 0;
}

/* What is charged with a block. */
static size_t
pool_charge (const struct pool *pool)
{
  return pool->block + pool->p.extra;
}

int
pool_prepay (struct pool *pool)
{
  int r = pool->prepaid ? 0 : account_charge (pool->account, pool->p.kind,
                                              pool_charge (pool));

  pool->prepaid = r == 0;
  return r;
}

void
pool_refund (struct pool *pool)
{
  if (pool->prepaid)
    account_credit (pool->account, pool->p.kind, pool_charge (pool));
  pool->prepaid = false;
}

/* Charge a block, or spend the one that is charged already. */
static int
pool_block_charge (struct pool *pool)
{
  int r = account_charge (pool->account, pool->p.kind, pool_charge (pool));

  if (r < 0 && pool->prepaid && pool->spend) {
    pool->prepaid = false;
    return 0;
  }
  return r;
}

/* One more block is resident, or about to be. */
static int
pool_block_take (struct pool *pool, uint64_t *first)
{
  uint64_t block = bitmap_first (&pool->away);
  int r;

  r = pool_block_charge (pool);
  if (r < 0)
    return r;
  if (block != BITMAP_NONE) {
    bitmap_clear (&pool->away, block);
    *first = block * pool->block_units;
  }
  else {
    r = pool_block_fresh (pool, first);
    if (r < 0) {
      account_credit (pool->account, pool->p.kind, pool_charge (pool));
      return r;
    }
  }
  pool->resident++;
  return 0;
}

static void
pool_block_free (struct pool *pool, uint64_t first)
{
  unsigned i;

  for (i = 0; i < pool->block_units; ++i)
    bitmap_set (&pool->free, first + i);
}

static void
pool_block_unfree (struct pool *pool, uint64_t first)
{
  unsigned i;

  for (i = 0; i < pool->block_units; ++i)
    bitmap_clear (&pool->free, first + i);
}

void
pool_set_beside (struct pool *pool, void *beside, size_t unit)
{
  pool->beside = beside;
  pool->beside_unit = unit;
}

/* Are all blocks away that these bytes of what lies beside are of? */
static bool
pool_beside_is_away (const struct pool *pool, uint64_t from, uint64_t to)
{
  size_t bytes = pool->block_units * pool->beside_unit;
  uint64_t block;

  for (block = from / bytes; block * bytes < to; ++block)
    if (block * pool->block_units < pool->fresh &&
        !bitmap_test (&pool->away, block))
      return false;
  return true;
}

/* It is no use to keep what lies beside a block, which is away, without the
 * block.  A page that several share goes with the last of them.
 */
static void
pool_block_give_back_beside (struct pool *pool, uint64_t first)
{
  uintptr_t start = (uintptr_t) pool->beside;
  uintptr_t end = start + pool->p.max_units * pool->beside_unit;
  uintptr_t from = start + first * pool->beside_unit;
  uintptr_t to = from + pool->block_units * pool->beside_unit;
  uintptr_t at;

  if (!pool->beside)
    return;
  for (at = from & -(uintptr_t) OS_PAGE; at < to; at += OS_PAGE)
    if (at >= start && at + OS_PAGE <= end &&
        pool_beside_is_away (pool, at - start, at - start + OS_PAGE))
      os_give_back ((void *) at, OS_PAGE);
}

/* Its memory has been given back. */
static void
pool_block_away (struct pool *pool, uint64_t first)
{
  account_credit (pool->account, pool->p.kind,
                  pool->block + pool->p.extra);
  bitmap_set (&pool->away, first / pool->block_units);
  pool->resident--;
  pool_block_give_back_beside (pool, first);
}

static void
pool_block_give_back (struct pool *pool, uint64_t first)
{
  pool_block_unfree (pool, first);
  os_give_back (pool_at (pool, (uint32_t) first), pool->block);
  pool_block_away (pool, first);
}

/* The last block that is empty; there is one.  Usually it has the last
 * free unit.
 */
static uint64_t
pool_hot_last (const struct pool *pool)
{
  uint64_t first = pool_block_first (pool, bitmap_last (&pool->free));

  while (!pool_block_is_empty (pool, first))
    first -= pool->block_units;
  return first;
}

static void
pool_hot_give_back (struct pool *pool)
{
  uint64_t first = pool_hot_last (pool);

  pool_count_hot (pool, -UINT64_C (1));
  pool_block_give_back (pool, first);
}

int
pool_alloc (struct pool *pool, uint32_t *id)
{
  uint64_t unit = bitmap_first (&pool->free);
  int r;

  if (unit == BITMAP_NONE) {
    r = pool_block_take (pool, &unit);
    if (r < 0)
      return r;
    pool_block_free (pool, unit);
    if (pool->keep)
      atomic_fetch_add_explicit (&pool->account->misses, 1,
                                 memory_order_relaxed);
  }
  else if (pool_block_is_empty (pool, pool_block_first (pool, unit)))
    pool_count_hot (pool, -UINT64_C (1));
  bitmap_clear (&pool->free, unit);
  pool->used++;
  *id = (uint32_t) unit;
  CHEAP (I5, pool_is_used (pool, unit));
  return 0;
}

void
pool_free (struct pool *pool, uint32_t id)
{
  uint64_t first = pool_block_first (pool, id);

  CHEAP (I5, pool_is_used (pool, id));
  FULL_NOW_AND_THEN (I5, pool->fresh > CHECK_MAX || pool_check (pool) == 0);
  bitmap_set (&pool->free, id);
  pool->used--;
  if (!pool_block_is_empty (pool, first))
    return;
  if (pool->keep || pool->nhot < pool->p.hot_max)
    pool_count_hot (pool, 1);
  else
    pool_block_give_back (pool, first);
}

bool
pool_has_lower (const struct pool *pool, uint32_t id)
{
  return bitmap_first (&pool->free) < pool_block_first (pool, id);
}

void
pool_cool (struct pool *pool)
{
  while (pool->nhot && !pool->keep)
    pool_hot_give_back (pool);
}

void
pool_drain (struct pool *pool, unsigned blocks)
{
  for (; pool->nhot && blocks; --blocks)
    pool_hot_give_back (pool);
}

/* The reserve. */

void
pool_keep (struct pool *pool, uint64_t blocks)
{
  pool->keep = blocks;
}

int
pool_lend_away (struct pool *pool, uint64_t *first)
{
  int r;

  if (bitmap_first (&pool->away) == BITMAP_NONE &&
      pool->fresh < pool->p.max_units &&
      !pool->chunks[pool->fresh >> pool->chunk_shift])
    return -EAGAIN;
  r = pool_block_take (pool, first);
  if (r == 0)
    pool->lent = *first;
  return r;
}

bool
pool_chunk_add (struct pool *pool, char *chunk)
{
  char **place = &pool->chunks[pool->fresh >> pool->chunk_shift];

  if (pool->fresh >= pool->p.max_units || *place)
    return false;
  *place = chunk;
  return true;
}

bool
pool_lend_hot (struct pool *pool, uint64_t more_than, uint64_t *first)
{
  if (pool->nhot <= more_than)
    return false;
  *first = pool_hot_last (pool);
  pool_count_hot (pool, -UINT64_C (1));
  pool_block_unfree (pool, *first);
  pool->lent = *first;
  return true;
}

void
pool_return (struct pool *pool, bool resident)
{
  uint64_t first = pool->lent;

  pool->lent = BITMAP_NONE;
  if (resident) {
    pool_block_free (pool, first);
    pool_count_hot (pool, 1);
  }
  else
    pool_block_away (pool, first);
}

/* Checks. */

bool
pool_is_used (const struct pool *pool, uint64_t id)
{
  return id < pool->fresh && !bitmap_test (&pool->free, id) &&
    !bitmap_test (&pool->away, id / pool->block_units) &&
    pool_block_first (pool, id) != pool->lent;
}

int
pool_check (const struct pool *pool)
{
  uint64_t first, used = 0, resident = 0;
  uint64_t hot = 0;
  unsigned i;

  for (first = 0; first < pool->fresh; first += pool->block_units) {
    bool away = bitmap_test (&pool->away, first / pool->block_units);
    bool any = bitmap_bits (&pool->free, first, pool->block_units) != 0;

    if (away && any)
      return -EIO;
    resident += !away;
    hot += pool_block_is_empty (pool, first);
    for (i = 0; i < pool->block_units; ++i)
      used += pool_is_used (pool, first + i);
  }
  if (used != pool->used || resident != pool->resident ||
      hot != pool->nhot || (!pool->keep && hot > pool->p.hot_max))
    return -EIO;
  return 0;
}
