/* nbdkit-zram: units of one size, numbered, in memory that goes back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A block is in one of these states:
 *   fresh      never used: beyond pool->fresh
 *   in use     some of its units are handed out, the others in free
 *   hot        all of its units are in free; at most hot_max of these
 *   away       given back; it is in away and its units are not in free
 */

#include <config.h>

#include <errno.h>

#include "layout.h"
#include "os.h"
#include "pool.h"

#define CHUNK_BYTES ((size_t) 1 << POOL_CHUNK_SHIFT)

/* So that every unit of a block is a legal id. */
static uint64_t
whole_blocks (const struct pool *pool, uint64_t units)
{
  return units + (-units & (pool->block_units - 1));
}

int
pool_init (struct pool *pool, const struct pool_params *params,
           struct account *account)
{
  *pool = (struct pool) { .p = *params, .account = account };
  pool->unit_shift = (unsigned) __builtin_ctzll (params->unit);
  pool->chunk_shift = POOL_CHUNK_SHIFT - pool->unit_shift;
  pool->block = params->unit < OS_PAGE ? OS_PAGE : params->unit;
  pool->block_units = (unsigned) (pool->block >> pool->unit_shift);
  pool->p.max_units = whole_blocks (pool, params->max_units);
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
  uint64_t units = whole_blocks (pool, max_units);
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
    last = (pool->fresh + (UINT64_C (1) << pool->chunk_shift) - 1)
      >> pool->chunk_shift;
    for (i = 0; i < last; ++i)
      os_unmap (pool->chunks[i], CHUNK_BYTES);
    os_free (pool->chunks, pool->nchunks * sizeof (char *));
    pool->chunks = NULL;
  }
  bitmap_free (&pool->free);
  bitmap_free (&pool->away);
  account_credit (pool->account, pool->p.kind,
                  pool->resident * (pool->block + pool->p.extra));
  pool->resident = 0;
}

static bool
block_is_empty (const struct pool *pool, uint64_t first)
{
  unsigned n = pool->block_units;

  return bitmap_bits (&pool->free, first, n) == UINT64_MAX >> (64 - n);
}

static uint64_t
block_first (const struct pool *pool, uint64_t id)
{
  return id & ~(uint64_t) (pool->block_units - 1);
}

/* Take the next block that was never used.  The chunk it lies in is
 * mapped when its first block is taken.
 */
static int
block_fresh (struct pool *pool, uint64_t *first)
{
  uint64_t chunk = pool->fresh >> pool->chunk_shift;

  if (pool->fresh >= pool->p.max_units)
    return -ENOSPC;
  if (!pool->chunks[chunk]) {
    pool->chunks[chunk] = os_map (CHUNK_BYTES);
    if (!pool->chunks[chunk])
      return -ENOMEM;
  }
  *first = pool->fresh;
  pool->fresh += pool->block_units;
  return 0;
}

/* Make one more block resident, all of its units free. */
static int
block_bring (struct pool *pool, uint64_t *first)
{
  size_t charge = pool->block + pool->p.extra;
  uint64_t block = bitmap_first (&pool->away);
  unsigned i;
  int r;

  r = account_charge (pool->account, pool->p.kind, charge);
  if (r < 0)
    return r;
  if (block != BITMAP_NONE) {
    bitmap_clear (&pool->away, block);
    *first = block * pool->block_units;
  }
  else {
    r = block_fresh (pool, first);
    if (r < 0) {
      account_credit (pool->account, pool->p.kind, charge);
      return r;
    }
  }
  pool->resident++;
  for (i = 0; i < pool->block_units; ++i)
    bitmap_set (&pool->free, *first + i);
  return 0;
}

static void
block_give_back (struct pool *pool, uint64_t first)
{
  unsigned i;

  os_give_back (pool_at (pool, (uint32_t) first), pool->block);
  account_credit (pool->account, pool->p.kind,
                  pool->block + pool->p.extra);
  for (i = 0; i < pool->block_units; ++i)
    bitmap_clear (&pool->free, first + i);
  bitmap_set (&pool->away, first / pool->block_units);
  pool->resident--;
}

static void
hot_remove (struct pool *pool, uint64_t first)
{
  unsigned i = 0;

  while (pool->hot[i] != first)
    i++;
  pool->hot[i] = pool->hot[--pool->nhot];
}

int
pool_alloc (struct pool *pool, uint32_t *id)
{
  uint64_t unit = bitmap_first (&pool->free);
  int r;

  if (unit == BITMAP_NONE) {
    r = block_bring (pool, &unit);
    if (r < 0)
      return r;
  }
  else if (block_is_empty (pool, block_first (pool, unit)))
    hot_remove (pool, block_first (pool, unit));
  bitmap_clear (&pool->free, unit);
  pool->used++;
  *id = (uint32_t) unit;
  return 0;
}

void
pool_free (struct pool *pool, uint32_t id)
{
  uint64_t first = block_first (pool, id);

  bitmap_set (&pool->free, id);
  pool->used--;
  if (!block_is_empty (pool, first))
    return;
  if (pool->nhot < pool->p.hot_max)
    pool->hot[pool->nhot++] = first;
  else
    block_give_back (pool, first);
}

void
pool_cool (struct pool *pool)
{
  while (pool->nhot)
    block_give_back (pool, pool->hot[--pool->nhot]);
}

bool
pool_is_used (const struct pool *pool, uint64_t id)
{
  return id < pool->fresh && !bitmap_test (&pool->free, id) &&
    !bitmap_test (&pool->away, id / pool->block_units);
}

int
pool_check (const struct pool *pool)
{
  uint64_t first, used = 0, resident = 0;
  unsigned hot = 0, i;

  for (first = 0; first < pool->fresh; first += pool->block_units) {
    bool away = bitmap_test (&pool->away, first / pool->block_units);
    bool any = bitmap_bits (&pool->free, first, pool->block_units) != 0;

    if (away && any)
      return -EIO;
    resident += !away;
    hot += block_is_empty (pool, first);
    for (i = 0; i < pool->block_units; ++i)
      used += pool_is_used (pool, first + i);
  }
  if (used != pool->used || resident != pool->resident ||
      hot != pool->nhot || hot > pool->p.hot_max)
    return -EIO;
  return 0;
}
