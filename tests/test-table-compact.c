/* nbdkit-zram: the memory of the table follows what is on the disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Scattered pages, of which most are trimmed: after compaction, on request
 * or by the keeper, the table is at most twice as large as that of a fresh
 * disk with the pages that are left.  What lies beside a node, marks and
 * ages, moves with it.  With a reserve too; and at a limit the memory of the
 * table is there for new data.
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define GiB (UINT64_C (1) << 30)
#define PAGE 4096u
#define STEP (NODE_ENTRIES + 7u)        /* slots: a leaf each */
#define PAGES (SANITIZED ? 20000u : 60000u)
#define LEFT(i) ((i) % 16 == 3)

static struct zram_disk *d;

static void
start (struct zram_params p)
{
  p.size = 64 * GiB;
  p.track_access = true;
  d = disk_open (&p);
}

static void
put (uint64_t i)
{
  unsigned char page[PAGE];

  page_make (page, PAGE, 100, i + 1);
  CHECK (zram_pwrite (d, page, PAGE, i * STEP * PAGE) == 0);
}

/* In an order of its own, so that nodes next to each other are not of
 * neighbours.
 */
static void
fill (bool all)
{
  uint64_t i, k;

  for (i = 0; i < PAGES; ++i) {
    k = i * 7919 % PAGES;
    if (all || LEFT (k))
      put (k);
  }
}

static void
trim (void)
{
  uint64_t i;

  for (i = 0; i < PAGES; ++i)
    if (!LEFT (i))
      CHECK (zram_trim (d, PAGE, i * STEP * PAGE) == 0);
}

static void
set_age (uint64_t i, uint32_t age)
{
  struct shard *s = slot_shard (d, i * STEP);

  shard_lock (s);
  *table_age (&s->table, slot_local (d, i * STEP)) = age;
  shard_unlock (s);
}

static void
verify (void)
{
  unsigned char want[PAGE], got[PAGE];
  uint64_t i;

  for (i = 0; i < PAGES; ++i) {
    CHECK (zram_pread (d, got, PAGE, i * STEP * PAGE) == 0);
    page_make (want, PAGE, 100, i + 1);
    CHECK (LEFT (i) ? memcmp (want, got, PAGE) == 0 : is_zero (got, PAGE));
  }
  disk_recount (d);
}

/* The table of a disk that never had more than the pages that are left. */
static uint64_t
fresh (void)
{
  uint64_t bytes;

  start ((struct zram_params) { 0 });
  fill (false);
  bytes = disk_stats (d).mem_table;
  zram_close (d);
  return bytes;
}

/* Marks and ages of all that is left; each third page has no mark. */
static int
see (void *opaque, const struct zram_slot *about)
{
  uint64_t i = about->slot / STEP;

  CHECK (LEFT (i) && about->slot % STEP == 0);
  CHECK (about->accessed == i + 5);
  CHECK (!(about->flags & ZRAM_SLOT_IDLE) == (i % 3 == 0));
  ++*(unsigned *) opaque;
  return 0;
}

static void
mark (void)
{
  unsigned char byte;
  uint64_t i;

  CHECK (zram_mark_idle (d, 0) == 0);
  for (i = 0; i < PAGES; ++i)
    if (LEFT (i)) {
      if (i % 3 == 0)
        CHECK (zram_pread (d, &byte, 1, i * STEP * PAGE) == 0);
      set_age (i, (uint32_t) i + 5);
    }
}

static void
check_small (const char *how, uint64_t least)
{
  unsigned n = 0;
  uint64_t now = disk_stats (d).mem_table;

  printf ("%s: the table holds %" PRIu64 " KiB, a fresh one %" PRIu64 "\n",
          how, now / 1024, least / 1024);
  if (now > 2 * least)
    fail ("too much");
  CHECK (zram_each_slot (d, 0, see, &n) == 0);
  CHECK (n == disk_stats (d).pages_stored);
  verify ();
}

static void
scatter (void)
{
  fill (true);
  trim ();
  mark ();
}

static void
test_request (uint64_t least, uint64_t reserve)
{
  struct zram_params p = { .swap = reserve > 0, .swap_reserve = reserve };

  start (p);
  scatter ();
  CHECK (zram_compact (d) == 0);
  check_small ("on request", least);
  zram_close (d);
}

static void
test_keeper (uint64_t least, uint64_t reserve)
{
  struct zram_params p = { .swap = reserve > 0, .swap_reserve = reserve };
  unsigned ms;

  start (p);
  CHECK (zram_keeper_start (d) == 0);
  scatter ();
  for (ms = 0; disk_stats (d).mem_table > 2 * least + reserve / 4; ms += 50) {
    if (ms > 20000)
      fail ("the keeper leaves %" PRIu64 " KiB of table",
            disk_stats (d).mem_table / 1024);
    usleep (50000);
  }
  zram_keeper_stop (d);
  if (reserve == 0)
    check_small ("by the keeper", least);
  else
    verify ();
  zram_close (d);
}

/* A limit that was just enough for the table: what the trims gave back is
 * there for data.
 */
static void
test_limit (void)
{
  unsigned char noise[PAGE];
  uint64_t taken = 0, table;

  start ((struct zram_params) { 0 });
  fill (true);
  table = disk_stats (d).mem_table;
  zram_set_mem_limit (d, disk_stats (d).mem_used_total);
  trim ();
  for (; taken < table; taken += PAGE) {
    page_make (noise, PAGE, PAGE, taken + 1);
    if (zram_pwrite (d, noise, PAGE, 32 * GiB + taken) < 0)
      break;
    CHECK (disk_stats (d).mem_used_total <= zram_mem_limit (d));
  }
  printf ("at a limit of %" PRIu64 " KiB, with a table of %" PRIu64 " KiB: %"
          PRIu64 " KiB of noise\n", zram_mem_limit (d) / 1024, table / 1024,
          taken / 1024);
  CHECK (taken > table / 2);
  disk_recount (d);
  zram_close (d);
}

/* Beside writes and trims of everything. */
static void
test_random (void)
{
  uint64_t rng = env_number ("ZRAM_SEED", 1), i, n;
  static unsigned char there[6000];
  unsigned char want[PAGE], got[PAGE];

  start ((struct zram_params) { 0 });
  for (n = 0; n < 30000; ++n) {
    i = rng_below (&rng, sizeof there);
    if (n / 5000 % 2 ? rng_below (&rng, 8) : rng_below (&rng, 8) == 0) {
      CHECK (zram_trim (d, PAGE, i * STEP * PAGE) == 0);
      there[i] = 0;
    }
    else {
      put (i);
      there[i] = 1;
    }
    if (n % 1000 == 999)
      CHECK (zram_compact (d) == 0);
    if (n % 1000 == 0)
      disk_recount (d);
  }
  for (i = 0; i < sizeof there; ++i) {
    CHECK (zram_pread (d, got, PAGE, i * STEP * PAGE) == 0);
    page_make (want, PAGE, 100, i + 1);
    CHECK (there[i] ? memcmp (want, got, PAGE) == 0 : is_zero (got, PAGE));
  }
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  uint64_t least = fresh ();

  test_request (least, 0);
  test_request (least, 4 * MiB);
  test_keeper (least, 0);
  test_keeper (least, 4 * MiB);
  test_limit ();
  test_random ();
  return 0;
}
