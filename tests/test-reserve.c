/* nbdkit-zram: the reserve: full ahead of need, used, filled up again.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The linker puts the functions here in the place of those that the engine
 * asks the system for memory with, so that it can be seen who asks.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"
#include "os.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u

/* Who asks. */

static __thread bool is_io;     /* this thread serves requests */
static _Atomic unsigned asked;  /* how often one that does asked */
static _Atomic int64_t mapped;  /* mappings there are */

static void
note (void)
{
  if (is_io)
    asked++;
}

#define REPLACE(type, name, parameters, arguments)                      \
  extern type __real_##name parameters;                                 \
  extern type __wrap_##name parameters;                                 \
  type __wrap_##name parameters                                         \
  {                                                                     \
    note ();                                                            \
    return __real_##name arguments;                                     \
  }
REPLACE (void, os_give_back, (void *p, size_t n), (p, n))
REPLACE (void, os_populate, (void *p, size_t n), (p, n))
REPLACE (void *, os_alloc, (size_t n), (n))
REPLACE (void *, os_grow, (void *p, size_t n, size_t m), (p, n, m))

extern void *__real_os_map (size_t n);
extern void *__wrap_os_map (size_t n);
void *
__wrap_os_map (size_t n)
{
  note ();
  mapped++;
  return __real_os_map (n);
}
extern void __real_os_unmap (void *p, size_t n);
extern void __wrap_os_unmap (void *p, size_t n);
void
__wrap_os_unmap (void *p, size_t n)
{
  note ();
  mapped -= p != NULL;
  __real_os_unmap (p, n);
}

/* Page faults of this thread. */
static uint64_t
faults (void)
{
  struct rusage u;

  CHECK (getrusage (RUSAGE_THREAD, &u) == 0);
  return (uint64_t) (u.ru_minflt + u.ru_majflt);
}

/* The work */

static struct zram_disk *d;

static void
start (struct zram_params p)
{
  d = disk_open (&p);
  CHECK (zram_swap (d) == p.swap && zram_swap_reserve (d) == p.swap_reserve);
  CHECK (zram_keeper_start (d) == 0);
}

static void
finish (void)
{
  disk_recount (d);
  zram_close (d);
}

static uint64_t
ready (void)
{
  struct zram_stats st = disk_stats (d);

  CHECK (st.mem_ready_segments <= st.mem_segments &&
         st.mem_ready_raw <= st.mem_raw && st.mem_ready_table <= st.mem_table);
  CHECK (st.mem_ready ==
         st.mem_ready_segments + st.mem_ready_raw + st.mem_ready_table);
  return st.mem_ready;
}

/* Every fourth page is noise. */
static void
make_page (unsigned char *page, uint64_t i)
{
  page_make (page, PAGE, i % 4 ? 500 + i % 1000 : PAGE, i);
}

static int
write_page (uint64_t i)
{
  unsigned char page[PAGE];

  make_page (page, i);
  return zram_pwrite (d, page, PAGE, i * PAGE);
}

static void
check_page (uint64_t i)
{
  unsigned char want[PAGE], got[PAGE];

  make_page (want, i);
  CHECK (zram_pread (d, got, PAGE, i * PAGE) == 0);
  CHECK (memcmp (want, got, PAGE) == 0);
}

static void
wait_until_ready (uint64_t least, uint64_t most)
{
  unsigned tick;

  for (tick = 0; ready () < least || ready () > most; ++tick) {
    if (tick == 1000)
      fail ("after 10 s %" PRIu64 " bytes are ready, not %" PRIu64 " to %"
            PRIu64, ready (), least, most);
    usleep (10000);
  }
}

/* A reserve is rounded up in each pool. */
static uint64_t
most_ready (uint64_t reserve)
{
  return reserve + shard_count (d) * (16384 + 4096 + 4096);
}

/* Of what is ready, how much is in memory, as the system sees it. */
static uint64_t
resident (const struct pool *pool)
{
  unsigned char in[64];
  uint64_t i, k, n = 0;

  for (i = 0; i < pool->fresh; i += pool->block_units) {
    if (bitmap_test (&pool->away, i / pool->block_units))
      continue;
    CHECK (mincore (pool_at (pool, (uint32_t) i), pool->block, in) == 0);
    for (k = 0; k < pool->block / OS_PAGE; ++k)
      n += in[k] & 1;
  }
  return n * OS_PAGE;
}

static uint64_t
resident_in_all (void)
{
  uint64_t n = 0;
  unsigned i;

  for (i = 0; i < shard_count (d); ++i)
    n += resident (&d->shards[i].store.arena.segments) +
      resident (&d->shards[i].store.raw) +
      resident (&d->shards[i].table.nodes);
  return n;
}

/* Without it there is none, and nothing is kept that was not before. */
static void
test_none (void)
{
  start ((struct zram_params) { .size = 256 * MiB });
  CHECK (ready () == 0 && !d->reserve.worker.running);
  CHECK (d->shards[0].store.arena.segments.keep == 0);
  finish ();

  /* With swap, but no reserve: touched, and that is all. */
  start ((struct zram_params) { .size = 256 * MiB, .swap = true });
  CHECK (ready () == 0 && !d->reserve.worker.running);
  CHECK (write_page (1) == 0);
  check_page (1);
  finish ();
}

/* Full when the server starts, in memory, and counted. */
static void
test_full (uint64_t size, uint32_t page_size, uint64_t reserve)
{
  struct zram_params p = {
    .size = size, .page_size = page_size, .swap = true,
    .swap_reserve = reserve,
  };
  uint64_t held;

  d = disk_open (&p);
  held = disk_stats (d).mem_used_total;
  CHECK (ready () == 0);
  CHECK (zram_keeper_start (d) == 0);
  /* A small disk has fewer nodes than would be kept ready. */
  CHECK (ready () >= reserve - reserve / 64);
  CHECK (page_size > PAGE || ready () <= most_ready (reserve));
  CHECK (disk_stats (d).mem_used_total >= held + ready ());
  CHECK (disk_stats (d).mem_segments >= reserve * 2 / 5);
  CHECK (disk_stats (d).mem_raw >= reserve * 2 / 5);
  zram_keeper_stop (d);
  CHECK (resident_in_all () == ready ());
  finish ();
}

/* Half of the reserve is written to and read, and all of it freed.  The
 * page faults of that.
 */
static uint64_t
use (uint64_t reserve)
{
  uint64_t i, before = faults (), n = 0;

  is_io = true;
  asked = 0;
  while (ready () > reserve / 2)
    CHECK (write_page (n++) == 0);
  for (i = 0; i < n; ++i)
    check_page (i);
  CHECK (n > 4000 && disk_stats (d).reserve_misses == 0);

  /* What is freed stays, though it is more than before. */
  CHECK (zram_trim (d, n * PAGE, 0) == 0);
  CHECK (ready () >= reserve * 9 / 10);
  CHECK (asked == 0);
  is_io = false;
  return faults () - before;
}

/* No request waits for memory as long as the reserve lasts. */
static void
test_used (void)
{
  const struct zram_params p = {
    .size = 65536 * MiB, .swap = true, .swap_reserve = 16 * MiB,
    .track_access = true,
  };
  uint64_t i, n, before;
  unsigned tries = 5;

  /* A disk of its own each time, while the stack and the program itself,
   * which may be read from its file only now, are the same.
   */
  do {
    start (p);
    zram_keeper_stop (d);       /* nobody fills it */
    n = use (p.swap_reserve);
    if (n && --tries)
      finish ();
  } while (n && tries);
  /* The sanitizers have memory of their own to touch. */
  CHECK (SANITIZED || n == 0);

  /* More than there is: memory is taken as if there were none. */
  for (i = 0; i < 16000; ++i)
    CHECK (write_page (i) == 0);
  CHECK (disk_stats (d).reserve_misses > 100);
  for (i = 0; i < 16000; ++i)
    check_page (i);
  disk_recount (d);

  /* And then it is filled again. */
  CHECK (zram_keeper_start (d) == 0);
  CHECK (ready () >= p.swap_reserve);
  before = disk_stats (d).reserve_misses;
  CHECK (write_page (20000) == 0);
  CHECK (disk_stats (d).reserve_misses == before);
  finish ();
}

/* While the thread is there, any amount can be written at a pace at which
 * it keeps up; and all of it goes back.
 */
static void
test_filled (void)
{
  const uint64_t reserve = 8 * MiB, pages = SANITIZED ? 10000 : 40000;
  struct zram_stats st;
  uint64_t i;

  start ((struct zram_params) {
    .size = 1024 * MiB, .swap = true, .swap_reserve = reserve });
  is_io = true;
  asked = 0;
  for (i = 0; i < pages; ++i) {
    CHECK (write_page (i) == 0);
    if (i % 200 == 0 && ready () < reserve * 3 / 4)
      wait_until_ready (reserve * 7 / 8, UINT64_MAX);
  }
  st = disk_stats (d);
  CHECK (st.mem_used_total > reserve + pages * 1200);
  CHECK (st.reserve_misses == 0);
  disk_recount (d);
  for (i = 0; i < pages; i += 7)
    check_page (i);
  CHECK (zram_trim (d, pages * PAGE, 0) == 0);
  CHECK (asked == 0);
  is_io = false;
  wait_until_ready (reserve, most_ready (reserve) * 5 / 4);
  CHECK (disk_stats (d).mem_used_total < 2 * MiB + reserve * 5 / 4);
  disk_recount (d);
  zram_keeper_stop (d);
  CHECK (resident_in_all () <= most_ready (reserve) * 5 / 4 + MiB);
  finish ();
}

/* Reset and resize, with writers and the thread at work. */
static _Atomic bool enough;

static void *
write_on (void *arg)
{
  uint64_t i, first = *(uint64_t *) arg;

  for (i = 0; !enough; ++i)
    CHECK (write_page (first + i % 9000) == 0);
  return NULL;
}

static void
test_changes (void)
{
  const uint64_t reserve = 4 * MiB;
  uint64_t first[2] = { 0, 20000 };
  char message[ZRAM_MESSAGE_MAX];
  pthread_t thread[2];
  unsigned i, rounds = SANITIZED ? 10 : 40;

  start ((struct zram_params) {
    .size = 512 * MiB, .swap = true, .swap_reserve = reserve });
  for (i = 0; i < 2; ++i)
    CHECK (pthread_create (&thread[i], NULL, write_on, &first[i]) == 0);
  for (i = 0; i < rounds; ++i) {
    CHECK (zram_reset (d) == 0);
    CHECK (zram_resize (d, (i % 2 ? 512 : 8192) * MiB, message) == 0);
    usleep (3000);
    disk_recount (d);
  }
  enough = true;
  for (i = 0; i < 2; ++i)
    pthread_join (thread[i], NULL);
  wait_until_ready (reserve, UINT64_MAX);
  CHECK (zram_reset (d) == 0);
  CHECK (ready () >= reserve && ready () <= most_ready (reserve));
  CHECK (disk_stats (d).pages_stored == 0);
  CHECK (write_page (5) == 0);
  check_page (5);
  finish ();
}

/* The reserve is within the limit: near it nothing is added, and at it the
 * data gets all of what is left, whatever kind of memory that was.
 */
static void
test_limit (bool noise)
{
  const uint64_t limit = 40 * MiB, reserve = 10 * MiB;
  unsigned char page[PAGE];
  struct zram_stats st;
  uint64_t i, n, last;
  int r = 0;

  start ((struct zram_params) {
    .size = 1024 * MiB, .swap = true, .swap_reserve = reserve,
    .mem_limit = limit });
  CHECK (ready () >= reserve);
  for (n = 0; r == 0 && n < 100000; ++n) {
    page_make (page, PAGE, noise ? PAGE : 1000, n);
    r = zram_pwrite (d, page, PAGE, n * PAGE);
    if (n % 200 == 0 && ready () < reserve / 2)
      usleep (1000);
  }
  CHECK (r == -ENOSPC);
  last = n - 1;
  usleep (200000);
  st = disk_stats (d);
  printf ("limit %" PRIu64 ", held %" PRIu64 ", ready %" PRIu64 ", data %"
          PRIu64 "\n", limit, st.mem_used_total, st.mem_ready,
          st.compr_data_size);
  CHECK (st.mem_used_total <= limit && st.mem_used_max <= limit);
  CHECK (st.compr_data_size > limit * 85 / 100);
  disk_recount (d);
  for (i = 0; i < last; i += 11) {
    unsigned char got[PAGE];

    page_make (page, PAGE, noise ? PAGE : 1000, i);
    CHECK (zram_pread (d, got, PAGE, i * PAGE) == 0);
    CHECK (memcmp (got, page, PAGE) == 0);
  }
  /* With room again it comes back. */
  CHECK (zram_trim (d, 1024 * MiB, 0) == 0);
  wait_until_ready (reserve, UINT64_MAX);
  CHECK (disk_stats (d).mem_used_total <= limit);
  finish ();
}

/* Near the limit what is left is left to the data. */
static void
test_near_limit (void)
{
  const uint64_t limit = 40 * MiB;
  uint64_t held, i = 0;

  start ((struct zram_params) {
    .size = 1024 * MiB, .swap = true, .swap_reserve = 10 * MiB,
    .mem_limit = limit });
  zram_keeper_stop (d);
  while (disk_stats (d).mem_used_total < limit - limit / 20)
    CHECK (write_page (i++) == 0);
  held = disk_stats (d).mem_used_total;
  CHECK (ready () < 9 * MiB);
  CHECK (zram_keeper_start (d) == 0);
  usleep (100000);
  CHECK (disk_stats (d).mem_used_total == held);
  finish ();
}

/* A reserve larger than all that the disk could ever hold. */
static void
test_small (void)
{
  start ((struct zram_params) {
    .size = 65536, .swap = true, .swap_reserve = 64 * MiB });
  CHECK (ready () > 0 && ready () < 8 * MiB);
  CHECK (write_page (0) == 0);
  check_page (0);
  finish ();
}

int
main (void)
{
  int64_t before = mapped;

  test_none ();
  test_full (256 * MiB, PAGE, 16 * MiB);
  test_full (64 * MiB, 65536, 16 * MiB);
  test_full (UINT64_C (4096) * MiB, PAGE, 40 * MiB);
  test_used ();
  test_filled ();
  test_changes ();
  test_limit (false);
  test_limit (true);
  test_near_limit ();
  test_small ();
  CHECK (mapped == before);
  return 0;
}
