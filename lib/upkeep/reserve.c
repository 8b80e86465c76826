/* nbdkit-zram: memory made resident ahead of need, for swapping.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "os.h"
#include "reserve.h"

/* How often the thread looks.  Of 200 MB/s, which is more than a machine
 * swaps, of pages that do not compress, half of their share of the smallest
 * reserve that is a default is gone between two looks.
 */
#define TICK_MS 20

/* Near the limit the reserve is left to the writes: what is left is not
 * filled up when so much of the limit, or less, is left.
 */
#define LIMIT_SHARE 16

/* Of the reserve, what is for nodes of the table; the rest is shared
 * equally by segments and raw pages.
 */
#define NODES_SHARE 64

/* So much of a bitmap's lowest level is touched at the start: the numbers
 * of raw pages for 32 GiB in each shard.  Beyond, a write that reaches
 * further than any before it waits for a page, once for each 128 MiB.
 */
#define BITMAP_TOUCH ((size_t) 1 << 20)

/* Workspaces besides one for each processor.  None is made later, and
 * real-time threads are hardly ever interrupted in the middle of a page.
 */
#define SPARE_WORKSPACES 2

static void reserve_fill (void *opaque);

void
reserve_init (struct reserve *r, const struct parts *parts, bool swap,
              uint64_t bytes)
{
  r->parts = parts;
  r->swap = swap;
  r->bytes = swap ? bytes : 0;
  pthread_mutex_init (&r->fill, NULL);
  worker_init (&r->worker, "zram-reserve", TICK_MS, reserve_fill,
               r);
  /* The kernel lets real-time threads use a part of what it keeps for
   * emergencies.  That is for those who answer: filling the reserve with
   * it, this thread would leave them none.
   */
  r->worker.begin = os_leave_realtime;
}

void
reserve_destroy (struct reserve *r)
{
  pthread_mutex_destroy (&r->fill);
  worker_destroy (&r->worker);
}

void
reserve_hold (struct reserve *r)
{
  pthread_mutex_lock (&r->fill);
}

void
reserve_let_go (struct reserve *r)
{
  pthread_mutex_unlock (&r->fill);
}

/* The pools of a shard: the store's, and the table's. */
enum { NODES = STORE_POOLS, POOLS };

static struct pool *
reserve_pool_of (struct shard *s, unsigned which)
{
  return which == NODES ? &s->table.nodes : store_pool (&s->store, which);
}

/* What lies beside the units of a block, by their numbers, and is written
 * when they are used.
 */
static void
reserve_touch_beside (struct shard *s, unsigned which, uint64_t first)
{
  unsigned n = reserve_pool_of (s, which)->block_units;
  size_t beside = table_beside (&s->table);

  if (which != NODES)
    store_touch_beside (&s->store, which, first);
  else
    os_populate (s->table.beside + first * beside, n * beside);
}

/* Filling. */

static bool
reserve_limit_is_near (const struct account *a)
{
  uint64_t limit = atomic_load (&a->limit);

  return limit &&
    atomic_load (&a->held) >= limit - limit / LIMIT_SHARE;
}

static bool
reserve_map_chunk (struct shard *s, struct pool *pool)
{
  char *chunk = os_map (POOL_CHUNK);
  bool used;

  if (!chunk)
    return false;
  shard_lock (s);
  used = pool_chunk_add (pool, chunk);
  shard_unlock (s);
  if (!used)
    os_unmap (chunk, POOL_CHUNK);
  return true;
}

/* One more block, if one is missing; with r->fill. */
static bool
reserve_fill_one (struct reserve *r, struct shard *s, unsigned which)
{
  struct pool *pool = reserve_pool_of (s, which);
  uint64_t first = 0;
  int error = -ENOSPC;
  void *block = NULL;

  shard_lock (s);
  if (pool->nhot < pool->keep && !reserve_limit_is_near (r->parts->account))
    error = pool_lend_away (pool, &first);
  if (error == 0)
    block = pool_at (pool, (uint32_t) first);
  shard_unlock (s);
  if (error == -EAGAIN)
    return reserve_map_chunk (s, pool);
  if (error < 0)
    return false;
  reserve_touch_beside (s, which, first);
  os_populate (block, pool->block);
  shard_lock (s);
  pool_return (pool, true);
  shard_unlock (s);
  return true;
}

/* One block less, if there are too many: a quarter more than needed is not
 * too many yet, so that nothing goes to and fro.
 */
static bool
reserve_shed_one (struct shard *s, unsigned which)
{
  struct pool *pool = reserve_pool_of (s, which);
  uint64_t first;
  void *block;
  bool any;

  shard_lock (s);
  any = pool->keep &&
    pool_lend_hot (pool, pool->keep + pool->keep / 4, &first);
  if (any)
    block = pool_at (pool, (uint32_t) first);
  shard_unlock (s);
  if (!any)
    return false;
  os_give_back (block, pool->block);
  shard_lock (s);
  pool_return (pool, false);
  shard_unlock (s);
  return true;
}

/* One step in each pool in turn, so that none has to wait for another. */
static bool
reserve_step (struct reserve *r)
{
  bool did = false;
  unsigned i, which;

  reserve_hold (r);
  for (i = 0; i < r->parts->nshards; ++i)
    for (which = 0; which < POOLS; ++which) {
      did |= reserve_fill_one (r, &r->parts->shards[i], which);
      did |= reserve_shed_one (&r->parts->shards[i], which);
    }
  reserve_let_go (r);
  return did;
}

/* The thread ends though there be no end to what it could do. */
static void
reserve_fill (void *opaque)
{
  struct reserve *r = opaque;

  while (!worker_stops (&r->worker) && reserve_step (r))
    ;
}

/* Touching. */

static void
reserve_touch_bitmap (struct bitmap *b)
{
  char *words = (char *) b->words;
  size_t lowest = (b->nbits + 63) / 64 * sizeof (uint64_t);

  os_populate (words, lowest < BITMAP_TOUCH ? lowest : BITMAP_TOUCH);
  os_populate (words + lowest, b->bytes - lowest);
}

static void
reserve_touch_shard (struct reserve *r, struct shard *s)
{
  uint64_t share = r->bytes / r->parts->nshards;
  uint64_t nodes = share / NODES_SHARE, half = (share - nodes) / 2;
  const uint64_t bytes[POOLS] = { half, half, nodes };
  unsigned which;

  for (which = 0; which < POOLS; ++which) {
    struct pool *pool = reserve_pool_of (s, which);

    reserve_touch_bitmap (&pool->free);
    reserve_touch_bitmap (&pool->away);
    os_populate (pool->chunks, pool->nchunks * sizeof *pool->chunks);
    shard_lock (s);
    pool_keep (pool, share ? bytes[which] / pool->block + 1 : 0);
    shard_unlock (s);
  }
  os_populate (s->table.root, s->table.nroots * sizeof *s->table.root);
}

/* Pages of all kinds through the contexts of a workspace, which nobody else
 * has: so all of them that is ever used has been used.  Decompressors of
 * other codecs have had this done when theirs wrote.
 */
static void
reserve_touch_workspace (struct reserve *r, struct workspace *w)
{
  uint32_t size = r->parts->layout->page, i, kind;
  const struct coding *coding = &r->parts->codings->coding[w->encoder.coding];
  uint64_t rng = 1;
  int n;

  os_populate (w->page, workspace_buffer_bytes (r->parts->layout));
  for (kind = 0; kind < 8; ++kind) {
    for (i = 0; i < size; ++i) {
      rng = rng * UINT64_C (6364136223846793005) + 1442695040888963407;
      w->page[i] = rng >> 60 < kind && i >= 97 ? w->page[i - 97 + kind]
        : (char) (rng >> 33 & (kind & 1 ? 0x0f : 0xff));
    }
    n = encoder_compress (&w->encoder, w->page, size,
                          r->parts->layout->object_max);
    if (n > 0)
      coding_decompress (coding, w->decompressor, w->encoder.out, (size_t) n,
                         w->page, size);
  }
}

void
reserve_touch_codecs (struct reserve *r)
{
  struct workspaces *ws = r->parts->workspaces;
  unsigned i;

  for (i = 0; r->swap && i < ws->made; ++i) {
    pthread_mutex_lock (&ws->w[i].busy);
    reserve_touch_workspace (r, &ws->w[i]);
    pthread_mutex_unlock (&ws->w[i].busy);
  }
}

static void
reserve_touch (struct reserve *r)
{
  unsigned i;

  os_populate (r->parts->counted, r->parts->counted_bytes);
  os_populate (r->parts->shards, r->parts->nshards * sizeof *r->parts->shards);
  reserve_hold (r);
  for (i = 0; i < r->parts->nshards; ++i)
    reserve_touch_shard (r, &r->parts->shards[i]);
  reserve_let_go (r);
  reserve_touch_codecs (r);
}

void
reserve_renew (struct reserve *r)
{
  if (!r->swap)
    return;
  reserve_touch (r);
  while (reserve_step (r))
    ;
}

int
reserve_start (struct reserve *r)
{
  int error;

  if (!r->swap)
    return 0;
  error = workspaces_fix (r->parts->workspaces, os_cpus () + SPARE_WORKSPACES);
  if (error < 0)
    return error;
  reserve_renew (r);
  return r->bytes ? worker_start (&r->worker) : 0;
}

void
reserve_stop (struct reserve *r)
{
  worker_stop (&r->worker);
}
