/* nbdkit-zram: how long a read waits beside upkeep of every kind.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread reads pages of one shard while another has that shard
 * compacted, marked, listed, trimmed, resized and so on.  Most of its
 * pages are the smallest objects there are: thousands share a segment.
 * No read may wait for more than a short step.  The limit leaves room for
 * the scheduler of a busy machine; the figures are printed.
 */

#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define GiB (UINT64_C (1) << 30)
#define LOCALS 30000u           /* slots used, all of one shard */
#define READS_MAX 2000000u
#define LIMIT_US (SANITIZED ? 2000000u : 120000u)
#define LEAST_MS (SANITIZED ? 50u : 250u)       /* of each kind of upkeep */

static struct zram_disk *d;
static uint32_t page;
static bool only_words;         /* of the smallest objects */
static uint32_t took[READS_MAX];        /* us */
static _Atomic unsigned reads;
static atomic_bool stop;

static uint64_t
now_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* Where a slot of shard 0 is on the disk. */
static uint64_t
offset_of (uint64_t local)
{
  uint64_t leaf = local >> NODE_SHIFT << d->map.shard_shift;

  return ((leaf << NODE_SHIFT) + local % NODE_ENTRIES) * page;
}

static void
put (uint64_t local)
{
  static unsigned char buf[ZRAM_PAGE_MAX];

  if (only_words || local % 32)
    page_same (buf, page, local * 3 + 1);
  else
    page_make (buf, page, page / 4, local);
  CHECK (zram_pwrite (d, buf, page, offset_of (local)) == 0);
}

static void *
read_on (void *arg)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  uint64_t rng = 1, before;
  unsigned n;

  (void) arg;
  while (!stop) {
    before = now_us ();
    CHECK (zram_pread (d, buf, 512, offset_of (rng_below (&rng, LOCALS))) == 0);
    n = reads;
    if (n < READS_MAX) {
      took[n] = (uint32_t) (now_us () - before);
      reads = n + 1;
    }
  }
  return NULL;
}

/* Upkeep, each so that there is much to do. */

static void
do_write (void)
{
  uint64_t i;

  for (i = 0; i < LOCALS; ++i)
    put (i);
}

static void
do_trim_most (void)
{
  uint64_t i;

  for (i = 0; i < LOCALS; ++i)
    if (i % 5)
      CHECK (zram_trim (d, page, offset_of (i)) == 0);
}

static void
do_compact (void)
{
  CHECK (zram_compact (d) == 0);
}

static void
do_mark (void)
{
  CHECK (zram_mark_idle (d, 0) == 0);
}

static int
look (void *opaque, const struct zram_slot *about)
{
  (void) about;
  ++*(uint64_t *) opaque;
  return 0;
}

static void
do_list (void)
{
  uint64_t n = 0;

  CHECK (zram_each_slot (d, 0, look, &n) == 0 && n > 0);
}

static void
do_clear_range (void)
{
  uint64_t half = zram_size (d) / 2;

  CHECK (zram_zero (d, half, half) == 0);
  CHECK (zram_trim (d, half, half) == 0);
}

static void
do_resize (void)
{
  char message[ZRAM_MESSAGE_MAX];
  uint64_t size = zram_size (d);

  if (zram_resize (d, size * 2, message) < 0 ||
      zram_resize (d, size, message) < 0)
    fail ("resize: %s", message);
}

static void
do_algorithm (void)
{
  char message[ZRAM_MESSAGE_MAX];
  unsigned i;

  for (i = 0; zram_codec_info (i); ++i)
    CHECK (zram_set_algorithm (d, zram_codec_info (i)->name, false, 0,
                               message) == 0);
}

static void
do_reset (void)
{
  CHECK (zram_reset (d) == 0);
}

static const struct {
  const char *name;
  void (*prepare) (void), (*act) (void);
} upkeep[] = {
  { "write", NULL, do_write },
  { "list", NULL, do_list },
  { "mark idle", NULL, do_mark },
  { "trim, page by page", do_write, do_trim_most },
  { "compact", do_trim_most, do_compact },
  { "zero and trim", NULL, do_clear_range },
  { "resize", NULL, do_resize },
  { "algorithm", NULL, do_algorithm },
  { "reset", do_write, do_reset },
};

static int
by_size (const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

  return (x > y) - (x < y);
}

/* Do one kind of it, again and again, beside a reader. */
static void
measure (unsigned which)
{
  uint64_t end = now_us () + LEAST_MS * 1000, worst;
  pthread_t reader;
  unsigned times;

  if (upkeep[which].prepare)
    upkeep[which].prepare ();
  reads = 0;
  stop = false;
  CHECK (pthread_create (&reader, NULL, read_on, NULL) == 0);
  for (times = 0; times == 0 || (now_us () < end && !upkeep[which].prepare);
       ++times)
    upkeep[which].act ();
  while (reads < 1000)
    usleep (1000);
  stop = true;
  CHECK (pthread_join (reader, NULL) == 0);
  qsort (took, reads, sizeof took[0], by_size);
  worst = took[reads - 1 - reads / 1000];
  printf ("%6" PRIu32 " %-20s %4u times, %7u reads: p99.9 %6" PRIu64
          " us, longest %6" PRIu32 " us\n", page, upkeep[which].name, times,
          reads, worst, took[reads - 1]);
  if (worst > LIMIT_US)
    fail ("too long");
}

static void
test_page (uint32_t size_of_page)
{
  struct zram_params p = {
    .size = 8 * GiB * (size_of_page / 4096), .page_size = size_of_page,
    .algo = zram_codec_info (0)->name, .track_access = true,
  };
  unsigned i;

  page = size_of_page;
  d = disk_open (&p);
  CHECK (d->shards[0].nslots >= LOCALS);
  CHECK (zram_keeper_start (d) == 0);
  do_write ();
  for (i = 0; i < sizeof upkeep / sizeof upkeep[0]; ++i)
    measure (i);
  disk_recount (d);
  zram_close (d);
}

/* What a step costs, whatever else the machine does: processor time of this
 * thread, under the lock.
 */
static uint64_t
cpu_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

#define STEP_LIMIT_US (SANITIZED ? 100000u : 20000u)

/* A disk whose shard 0 holds words, of which every other went at once, as
 * many trims at the same time could have it.
 */
static struct shard *
start_scattered (uint32_t size_of_page)
{
  struct zram_params p = {
    .size = 8 * GiB * (size_of_page / 4096), .page_size = size_of_page,
  };
  struct stored was;
  struct shard *s;
  uint64_t i;

  page = size_of_page;
  d = disk_open (&p);
  s = &d->shards[0];
  only_words = true;
  do_write ();
  only_words = false;
  shard_lock (s);
  for (i = 1; i < LOCALS; i += 2) {
    CHECK (store_find (&s->store, table_get (&s->table, i), i, &was) == 0);
    store_free (&s->store, &was);
    table_set (&s->table, i, ENTRY_HOLE);
    counter_sub (&s->n.stored, 1);
  }
  shard_unlock (s);
  return s;
}

static void
test_steps (uint32_t size_of_page)
{
  struct shard *s = start_scattered (size_of_page);
  uint64_t before, longest = 0, moved, most = 0;
  bool more = true;

  shard_lock (s);
  while (more) {
    moved = counter_get (&s->n.store.arena.moved);
    before = cpu_us ();
    more = shard_compact_step (s, COMPACT_NOW);
    before = cpu_us () - before;
    moved = counter_get (&s->n.store.arena.moved) - moved;
    longest = before > longest ? before : longest;
    most = moved > most ? moved : most;
  }
  shard_unlock (s);
  printf ("%6" PRIu32 " a step of compaction: %" PRIu64 " us, %" PRIu64
          " objects at most\n", page, longest, most);
  CHECK (most > 0 && most <= 16 && longest < STEP_LIMIT_US);
  disk_recount (d);
  zram_close (d);
}

/* At the limit a write takes as many steps as it needs to empty a segment of
 * thousands of objects, and then it has room.
 */
static void
test_shortage (uint32_t size_of_page)
{
  static unsigned char noise[ZRAM_PAGE_MAX];
  struct shard *s = start_scattered (size_of_page);
  uint64_t moved = counter_get (&s->n.store.arena.moved);

  store_cool (&s->store);
  zram_set_mem_limit (d, disk_stats (d).mem_used_total);
  page_make (noise, page, page, 1);
  CHECK (zram_pwrite (d, noise, page, offset_of (1)) == 0);
  moved = counter_get (&s->n.store.arena.moved) - moved;
  printf ("%6" PRIu32 " room for a page at the limit: %" PRIu64
          " objects moved\n", page, moved);
  CHECK (moved > 256);
  CHECK (disk_stats (d).mem_used_total <= zram_mem_limit (d));
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  test_shortage (4096);
  test_shortage (65536);
  test_steps (4096);
  test_steps (65536);
  test_page (4096);
  test_page (65536);
  return 0;
}
