/* nbdkit-zram: pools: units handed out, blocks given back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A model predicts the id of every allocation, what is resident and what
 * the account says, for units of several sizes; the system is asked which
 * pages are really in memory.
 */

#include <config.h>

#include <errno.h>
#include <sys/mman.h>

#include "layout.h"
#include "os.h"
#include "pool.h"
#include "testlib.h"

#define UNITS_MAX 70000

/* What the pool must look like. */
struct model {
  struct pool_params p;
  uint64_t max_units;           /* whole blocks */
  unsigned block_units;
  size_t charge;                /* a block */
  unsigned char used[UNITS_MAX];
  enum { FRESH, PRESENT, AWAY, LENT } block[UNITS_MAX];
  uint64_t fresh;               /* blocks */
  unsigned hot;
  uint64_t keep, misses;
};

static struct model m;
static struct pool pool;
static struct account account;

static void
start (size_t unit, uint64_t max_units, unsigned hot_max, size_t extra)
{
  size_t block = unit < OS_PAGE ? OS_PAGE : unit;

  memset (&m, 0, sizeof m);
  memset (&account, 0, sizeof account);
  m.p = (struct pool_params) {
    .unit = unit, .max_units = max_units, .hot_max = hot_max,
    .extra = extra, .kind = ACCOUNT_TABLE,
  };
  m.block_units = (unsigned) (block / unit);
  m.max_units = (max_units + m.block_units - 1) /
    m.block_units * m.block_units;
  m.charge = block + extra;
  CHECK (m.max_units <= UNITS_MAX);
  CHECK (pool_init (&pool, &m.p, &account) == 0);
}

static bool
is_empty (uint64_t block)
{
  unsigned i;

  for (i = 0; i < m.block_units; ++i)
    if (m.used[block * m.block_units + i])
      return false;
  return true;
}

/* The lowest free unit of what is present, else the lowest block that is
 * away, else a fresh one.  UINT64_MAX: none.
 */
static uint64_t
predict (void)
{
  uint64_t i, away = UINT64_MAX;

  for (i = 0; i < m.fresh * m.block_units; ++i) {
    uint64_t block = i / m.block_units;

    if (m.block[block] == PRESENT && !m.used[i])
      return i;
    if (m.block[block] == AWAY && away == UINT64_MAX)
      away = i;
  }
  if (away != UINT64_MAX)
    return away;
  return i < m.max_units ? i : UINT64_MAX;
}

/* Half of each unit's first and last words are its own id. */
static void
stamp (uint32_t id)
{
  uint32_t *p = pool_at (&pool, id);

  p[0] = p[m.p.unit / 4 - 1] = ~id;
}

static bool
stamped (uint32_t id)
{
  const uint32_t *p = pool_at (&pool, id);

  return p[0] == ~id && p[m.p.unit / 4 - 1] == ~id;
}

static void
take (void)
{
  uint64_t want = predict (), block = want / m.block_units;
  uint32_t id;

  CHECK (want != UINT64_MAX);
  CHECK (pool_alloc (&pool, &id) == 0);
  CHECK (id == want);
  if (m.block[block] == PRESENT && is_empty (block))
    m.hot--;
  if (m.block[block] != PRESENT && m.keep)
    m.misses++;
  if (m.block[block] == FRESH)
    m.fresh++;
  m.block[block] = PRESENT;
  CHECK (!m.used[id]);
  m.used[id] = 1;
  CHECK (pool_is_used (&pool, id));
  stamp (id);
}

static void
give (uint32_t id)
{
  uint64_t block = id / m.block_units;

  CHECK (m.used[id] && stamped (id));
  pool_free (&pool, id);
  m.used[id] = 0;
  CHECK (!pool_is_used (&pool, id));
  if (!is_empty (block))
    return;
  if (m.keep || m.hot < m.p.hot_max)
    m.hot++;
  else
    m.block[block] = AWAY;
}

static void
cool (void)
{
  uint64_t b;

  pool_cool (&pool);
  for (b = 0; b < m.fresh && !m.keep; ++b)
    if (m.block[b] == PRESENT && is_empty (b))
      m.block[b] = AWAY;
  if (!m.keep)
    m.hot = 0;
}

/* The reserve's own. */

static uint64_t
last_hot (void)
{
  uint64_t block = m.fresh;

  while (block-- > 0)
    if (m.block[block] == PRESENT && is_empty (block))
      break;
  return block;
}

static void
drain (unsigned blocks)
{
  pool_drain (&pool, blocks);
  for (; blocks && m.hot; --blocks, --m.hot)
    m.block[last_hot ()] = AWAY;
}

static void
keep (uint64_t blocks)
{
  pool_keep (&pool, blocks);
  m.keep = blocks;
  if (!blocks)
    drain (m.hot);
}

/* Work that goes on while a block is lent: nobody gets that one. */
static void
go_on (uint64_t lent, uint64_t *rng)
{
  uint32_t id = (uint32_t) rng_below (rng, m.max_units);

  m.block[lent] = LENT;
  CHECK (pool.lent == lent * m.block_units);
  CHECK (!pool_is_used (&pool, lent * m.block_units));
  CHECK (pool_check (&pool) == 0);
  if (m.used[id])
    give (id);
  else if (predict () != UINT64_MAX)
    take ();
  CHECK (pool_check (&pool) == 0);
}

/* One more block, as a thread of its own makes it resident. */
static void
bring (uint64_t *rng)
{
  uint64_t block = 0, first = 12345;
  char *chunk;
  int r;

  while (block < m.fresh && m.block[block] != AWAY)
    block++;
  r = pool_lend_away (&pool, &first);
  if (r == -EAGAIN) {
    CHECK (block == m.fresh);
    chunk = os_map (POOL_CHUNK);
    CHECK (chunk && pool_chunk_add (&pool, chunk));
    CHECK (!pool_chunk_add (&pool, chunk));
    r = pool_lend_away (&pool, &first);
  }
  if (block * m.block_units == m.max_units ||
      (account.limit && account.held + m.charge > account.limit)) {
    CHECK (r == -ENOSPC && first == 12345);
    return;
  }
  CHECK (r == 0 && first == block * m.block_units);
  m.fresh += block == m.fresh;
  go_on (block, rng);
  memset (pool_at (&pool, (uint32_t) first), 0x5a, pool.block);
  pool_return (&pool, true);
  m.block[block] = PRESENT;
  m.hot++;
}

/* One less, if there are more than so many. */
static void
shed (uint64_t more_than, uint64_t *rng)
{
  uint64_t block = last_hot (), first = 12345;

  if (m.hot <= more_than) {
    CHECK (!pool_lend_hot (&pool, more_than, &first) && first == 12345);
    return;
  }
  CHECK (pool_lend_hot (&pool, more_than, &first));
  CHECK (first == block * m.block_units);
  m.hot--;
  go_on (block, rng);
  os_give_back (pool_at (&pool, (uint32_t) first), pool.block);
  pool_return (&pool, false);
  m.block[block] = AWAY;
}

static bool
in_memory (void *p, size_t bytes)
{
  unsigned char in[64];
  size_t i, n = bytes / OS_PAGE;

  CHECK (n <= sizeof in && mincore (p, bytes, in) == 0);
  for (i = 0; i < n; ++i)
    if (in[i] & 1)
      return true;
  return false;
}

static void
verify (void)
{
  uint64_t b, i, used = 0, resident = 0;

  for (b = 0; b < m.fresh; ++b) {
    void *base = pool_at (&pool, (uint32_t) (b * m.block_units));

    resident += m.block[b] == PRESENT;
    CHECK (in_memory (base, pool.block) == (m.block[b] == PRESENT));
  }
  for (i = 0; i < m.max_units; ++i) {
    CHECK (pool_is_used (&pool, i) == m.used[i]);
    used += m.used[i];
    if (m.used[i])
      CHECK (stamped ((uint32_t) i));
  }
  CHECK (!pool_is_used (&pool, m.max_units + 1));
  CHECK (pool.used == used && pool.resident == resident);
  CHECK (pool.nhot == m.hot);
  CHECK (pool.fresh == m.fresh * m.block_units);
  CHECK (account.held == resident * m.charge);
  CHECK (account.kind[ACCOUNT_TABLE] == account.held);
  CHECK (account.ready[ACCOUNT_TABLE] == m.hot * pool.block);
  CHECK (account.misses == m.misses);
  CHECK (pool_check (&pool) == 0);
}

static void
finish (void)
{
  pool_destroy (&pool);
  CHECK (account.held == 0 && account.kind[ACCOUNT_TABLE] == 0);
  CHECK (account.ready[ACCOUNT_TABLE] == 0);
  CHECK (account.peak > 0);
}

/* All units, the one too many, and back down in several orders. */
static void
test_last_unit (size_t unit, uint64_t max_units, unsigned hot_max)
{
  uint64_t i;
  uint32_t id = 12345;

  start (unit, max_units, hot_max, 16);
  for (i = 0; i < m.max_units; ++i)
    take ();
  verify ();
  CHECK (predict () == UINT64_MAX);
  CHECK (pool_alloc (&pool, &id) == -ENOSPC && id == 12345);
  verify ();
  give ((uint32_t) m.max_units - 1);
  take ();
  verify ();
  for (i = 0; i < m.max_units; i += 2)
    give ((uint32_t) i);
  verify ();
  for (i = 1; i < m.max_units; i += 2)
    give ((uint32_t) i);
  verify ();
  CHECK (pool.resident == (hot_max < m.fresh ? hot_max : m.fresh));
  for (i = 0; i < m.max_units; ++i)
    take ();
  verify ();
  finish ();
}

/* At the account's limit nothing changes, and what is free in blocks that
 * are present can still be had.
 */
static void
test_limit (size_t unit)
{
  uint32_t id = 12345;
  unsigned i, n;

  start (unit, 1024, 1, 16);
  account.limit = 3 * m.charge + 1;
  n = 3 * m.block_units;
  for (i = 0; i < n; ++i)
    take ();
  CHECK (pool_alloc (&pool, &id) == -ENOSPC && id == 12345);
  verify ();
  give (0);
  take ();                      /* its own block, or a hot one */
  CHECK (pool_alloc (&pool, &id) == -ENOSPC);
  verify ();
  for (i = 0; i < n; ++i)
    give (i);
  cool ();
  account.limit = m.charge - 1;
  CHECK (pool_alloc (&pool, &id) == -ENOSPC);
  verify ();
  account.limit = m.charge;     /* a block that was away */
  take ();
  verify ();
  CHECK (account.peak == 3 * m.charge);
  finish ();
}

/* A block that was charged ahead is there when the limit is reached, once,
 * for whoever may spend it.
 */
static void
test_prepaid (size_t unit)
{
  uint32_t id;
  unsigned i;

  start (unit, 1024, 1, 16);
  account.limit = 3 * m.charge;
  CHECK (pool_prepay (&pool) == 0 && pool_prepay (&pool) == 0);
  CHECK (account.held == m.charge);
  for (i = 0; i < 2 * m.block_units; ++i)
    CHECK (pool_alloc (&pool, &id) == 0);
  CHECK (account.held == account.limit);
  CHECK (pool_alloc (&pool, &id) == -ENOSPC && pool.prepaid);
  pool.spend = true;
  for (i = 0; i < m.block_units; ++i)
    CHECK (pool_alloc (&pool, &id) == 0 && !pool.prepaid);
  CHECK (account.held == account.limit);
  CHECK (pool_alloc (&pool, &id) == -ENOSPC);
  CHECK (pool_prepay (&pool) == -ENOSPC && !pool.prepaid);
  account.limit += m.charge;
  CHECK (pool_prepay (&pool) == 0 && account.held == account.limit);
  pool_refund (&pool);
  pool_refund (&pool);
  CHECK (account.held == 3 * m.charge);
  CHECK (pool_prepay (&pool) == 0);
  pool_destroy (&pool);
  CHECK (account.held == 0);
}

/* The first units of the second chunk, which is mapped when it is needed
 * and not before.
 */
static void
test_chunk (size_t unit)
{
  uint64_t per_chunk = ((size_t) 1 << POOL_CHUNK_SHIFT) / unit, i;
  uint32_t id;

  start (unit, per_chunk + 20, 2, 0);
  CHECK (pool.nchunks == 2 && !pool.chunks[0] && !pool.chunks[1]);
  for (i = 0; i < per_chunk; ++i)
    CHECK (pool_alloc (&pool, &id) == 0 && id == i);
  CHECK (pool.chunks[0] && !pool.chunks[1]);
  for (; i < per_chunk + 20; ++i) {
    CHECK (pool_alloc (&pool, &id) == 0 && id == i);
    memset (pool_at (&pool, id), 0xa5, unit);
  }
  CHECK (pool.chunks[1] != NULL);
  CHECK ((char *) pool_at (&pool, (uint32_t) per_chunk) == pool.chunks[1]);
  CHECK ((char *) pool_at (&pool, (uint32_t) per_chunk - 1) ==
         pool.chunks[0] + ((size_t) 1 << POOL_CHUNK_SHIFT) - unit);
  CHECK (pool_check (&pool) == 0);
  for (i = 0; i < per_chunk + 20; ++i)
    pool_free (&pool, (uint32_t) i);
  CHECK (pool.used == 0 && pool.resident == 2);
  CHECK (pool_check (&pool) == 0);
  finish ();
}

static void
test_model (size_t unit, unsigned hot_max, uint64_t *rng)
{
  unsigned n, lean = 1;
  uint32_t id;

  start (unit, 300, hot_max, 40);
  for (n = 0; n < 4000; ++n) {
    if (n % 300 == 0)
      lean = 1 + (unsigned) rng_below (rng, 5);
    if (rng_below (rng, 6) < lean) {
      if (predict () != UINT64_MAX)
        take ();
    }
    else {
      id = (uint32_t) rng_below (rng, m.max_units);
      if (m.used[id])
        give (id);
    }
    if (rng_below (rng, 200) == 0)
      cool ();
    if (rng_below (rng, 500) == 0)
      keep (rng_below (rng, 2) * rng_below (rng, 10));
    if (rng_below (rng, 500) == 0)
      drain ((unsigned) rng_below (rng, 4));
    while (m.keep && m.hot < m.keep && rng_below (rng, 3))
      bring (rng);
    if (m.keep && rng_below (rng, 5) == 0)
      shed (m.keep + rng_below (rng, 2), rng);
    if (n % 50 == 0)
      verify ();
  }
  verify ();
  finish ();
}

/* A reserve: filled to the last block there is, used up, and more. */
static void
test_reserve (size_t unit, uint64_t *rng)
{
  uint64_t misses;
  uint32_t id;
  unsigned i;

  start (unit, 40 * (unit < OS_PAGE ? OS_PAGE / unit : 1), 1, 16);
  keep (30);
  for (i = 0; i < 100 && m.hot < m.keep; ++i)
    bring (rng);
  verify ();
  cool ();                      /* not even when it is quiet */
  CHECK (pool.nhot == m.hot && m.hot > 10);
  misses = m.misses;
  while (m.hot)
    take ();
  CHECK (account.misses == misses);
  while (predict () != UINT64_MAX)
    take ();
  CHECK (m.fresh == 40 && m.misses == account.misses);
  verify ();
  bring (rng);                  /* there is none */
  for (id = 0; id < m.max_units; ++id)
    if (m.used[id])
      give (id);
  CHECK (pool.nhot == 40);      /* nothing went back by itself */
  shed (40, rng);
  while (m.hot > 37)
    shed (37, rng);
  verify ();
  account.limit = account.held;
  bring (rng);
  drain (3);
  verify ();
  bring (rng);
  drain (1000);
  verify ();
  keep (0);
  finish ();
}

/* pool_check sees what it is there to see. */
static void
test_check (void)
{
  uint32_t id;

  start (256, 160, 2, 0);
  CHECK (pool_alloc (&pool, &id) == 0);
  pool.used++;
  CHECK (pool_check (&pool) == -EIO);
  pool.used--;
  pool.resident--;
  CHECK (pool_check (&pool) == -EIO);
  pool.resident++;
  pool.nhot++;
  CHECK (pool_check (&pool) == -EIO);
  pool.nhot--;
  bitmap_set (&pool.away, 0);
  CHECK (pool_check (&pool) == -EIO);
  bitmap_clear (&pool.away, 0);
  CHECK (pool_check (&pool) == 0);
  finish ();
}

int
main (void)
{
  static const size_t units[] = { 64, 256, 4096, 16384, 65536, 262144 };
  uint64_t rng = env_number ("ZRAM_SEED", 1);
  size_t i;

  for (i = 0; i < sizeof units / sizeof units[0]; ++i) {
    unsigned hot_max;

    test_last_unit (units[i], 1, 1);
    test_last_unit (units[i], 33, 0);
    test_last_unit (units[i], 64, POOL_HOT_MAX);
    test_limit (units[i]);
    test_prepaid (units[i]);
    if (units[i] > 64)
      test_chunk (units[i]);
    for (hot_max = 0; hot_max <= POOL_HOT_MAX; hot_max += 2)
      test_model (units[i], hot_max, &rng);
    test_reserve (units[i], &rng);
  }
  test_check ();
  return 0;
}
