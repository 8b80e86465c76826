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
  enum { FRESH, PRESENT, AWAY } block[UNITS_MAX];
  uint64_t fresh;               /* blocks */
  unsigned hot;
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
  if (m.hot < m.p.hot_max)
    m.hot++;
  else
    m.block[block] = AWAY;
}

static void
cool (void)
{
  uint64_t b;

  pool_cool (&pool);
  for (b = 0; b < m.fresh; ++b)
    if (m.block[b] == PRESENT && is_empty (b))
      m.block[b] = AWAY;
  m.hot = 0;
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
  CHECK (pool_check (&pool) == 0);
}

static void
finish (void)
{
  pool_destroy (&pool);
  CHECK (account.held == 0 && account.kind[ACCOUNT_TABLE] == 0);
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
    if (n % 50 == 0)
      verify ();
  }
  verify ();
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
    if (units[i] > 64)
      test_chunk (units[i]);
    for (hot_max = 0; hot_max <= POOL_HOT_MAX; hot_max += 2)
      test_model (units[i], hot_max, &rng);
  }
  test_check ();
  return 0;
}
