/* nbdkit-zram: upkeep by itself: when it does what, and why not.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The clock is the test's, so that days pass in a moment: the linker puts
 * the function here in the place of the system's.  Pages are recompressed
 * when they have been idle for as long as is said, and not before; nothing
 * is tried twice; a clock that jumps makes nothing old; where memory is
 * short it happens sooner; where others wait for a processor it does not
 * happen.
 */

#include <config.h>

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define SECOND UINT64_C (1000000000)
#define HOUR 3600
#define PAGE 4096u
#define PAGES 600u
#define STEP 30                 /* s from look to look */
#define EPOCH 240               /* s, with the usual numbers */

static int64_t ahead;           /* s, of the system's clock */

extern int __real_clock_gettime (clockid_t clock, struct timespec *t);
extern int __wrap_clock_gettime (clockid_t clock, struct timespec *t);
int
__wrap_clock_gettime (clockid_t clock, struct timespec *t)
{
  int r = __real_clock_gettime (clock, t);

  if (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
    t->tv_sec += ahead;
  return r;
}

static uint64_t
clock_ns (clockid_t clock)
{
  struct timespec t;

  __real_clock_gettime (clock, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

/* A file that says what the kernel would. */
static char file[] = "/tmp/zram-upkeep-XXXXXX";

static void
say (const char *text)
{
  FILE *fp = fopen (file, "w");

  CHECK (fp && fputs (text, fp) >= 0 && fclose (fp) == 0);
}

static void
say_pressure (const char *percent)
{
  char text[128];

  snprintf (text, sizeof text, "some avg10=%s avg60=0.00 avg300=0.00 total=1\n"
            "full avg10=99.00 avg60=0.00 avg300=0.00 total=0\n", percent);
  say (text);
}

/* A disk, without the thread. */

static struct zram_disk *d;
static struct zram_params params;

static void
open_disk (void)
{
  struct upkeep *u;

  if (!params.upkeep.on)
    params.upkeep = zram_upkeep_usual ();
  params.size = 16 * MiB;
  params.algo = "zstd";
  params.has_level = true;
  params.level = 1;
  params.upkeep.n[ZRAM_UPKEEP_LEAST] = 0;
  params.upkeep.n[ZRAM_UPKEEP_CPU] = 100;
  d = disk_open (&params);
  u = &d->upkeep;
  u->pressure_file = file;
  u->memory_file = "/nonexistent";      /* so that none is used */
  u->seen = u->budget.since =
    clock_ns (CLOCK_MONOTONIC) + (uint64_t) ahead * SECOND;
  u->budget.used = clock_ns (CLOCK_THREAD_CPUTIME_ID);
  say_pressure ("0.00");
}

static void
close_disk (void)
{
  disk_recount (d);
  zram_close (d);
  memset (&params, 0, sizeof params);
}

static void
put (uint64_t slot, uint64_t seed)
{
  unsigned char page[PAGE];

  page_words (page, PAGE, seed);
  CHECK (zram_pwrite (d, page, PAGE, slot * PAGE) == 0);
}

static void
expect (uint64_t slot, uint64_t seed)
{
  unsigned char want[PAGE], got[PAGE];

  page_words (want, PAGE, seed);
  CHECK (zram_pread (d, got, PAGE, slot * PAGE) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
}

static void
fill (void)
{
  uint64_t i;

  for (i = 0; i < PAGES; ++i)
    put (i, i);
}

static void
let_pass (uint64_t seconds)
{
  uint64_t i;

  for (i = 0; i < seconds; i += STEP) {
    ahead += STEP;
    upkeep_look (&d->upkeep);
  }
}

static struct zram_upkeep_report
report (void)
{
  struct zram_upkeep_report r;

  zram_upkeep_report (d, &r);
  return r;
}

/* Pages of each stage, by level. */
static uint64_t
pages_of (int level)
{
  uint64_t n = 0;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (d->codings.coding[i].codec && d->codings.coding[i].level == level)
      n += counter_get (&d->shards[0].n.store.arena.coding[i].pages);
  return n;
}

/* When, and what. */

static void
test_stages (void)
{
  struct zram_stats st;
  struct zram_upkeep_report r;
  uint64_t i, bytes, tried;

  open_disk ();
  fill ();
  bytes = disk_stats (d).compr_data_size;
  let_pass (6 * HOUR - 2 * STEP);
  st = disk_stats (d);
  CHECK (st.upkeep_tried == 0 && report ().state == ZRAM_UPKEEP_WAITS_IDLE);
  CHECK (report ().value == 6 * HOUR && !report ().any);
  let_pass (3 * EPOCH);
  st = disk_stats (d);
  r = report ();
  CHECK (st.upkeep_tried == PAGES && st.upkeep_idle_pages == PAGES);
  CHECK (st.upkeep_cold_pages == 0 && st.upkeep_rounds == 1);
  CHECK (bytes - st.compr_data_size == st.upkeep_gained);
  CHECK (st.upkeep_gained > PAGES * 32);
  CHECK (r.any && r.stage == 0 && r.tried == PAGES && r.done == PAGES);
  CHECK (r.gained == st.upkeep_gained && r.ago <= 3 * EPOCH);
  CHECK (pages_of (6) == PAGES && pages_of (1) == 0);

  /* Nothing of that is done again; some pages are written, and others
   * read: those do not get cold.
   */
  for (i = 0; i < 100; ++i)
    put (i, i + 1000);
  for (i = 100; i < 200; ++i)
    expect (i, i);
  let_pass (6 * HOUR - 4 * EPOCH - 2 * STEP);
  CHECK (disk_stats (d).upkeep_tried == PAGES);
  CHECK (pages_of (6) == PAGES - 100 && pages_of (1) == 100);
  let_pass (6 * EPOCH);         /* 12 h and a little: those written are idle */
  CHECK (pages_of (15) > 0 && pages_of (1) == 0);
  CHECK (pages_of (15) <= PAGES - 200);
  CHECK (disk_stats (d).upkeep_tried == PAGES + 100 + PAGES - 200);
  let_pass (7 * HOUR);
  tried = disk_stats (d).upkeep_tried;
  CHECK (tried == PAGES + 100 + PAGES);
  let_pass (40 * HOUR);         /* more than 256 epochs */
  CHECK (disk_stats (d).upkeep_tried == tried);
  CHECK (report ().state == ZRAM_UPKEEP_WAITS_IDLE);
  for (i = 0; i < PAGES; ++i)
    expect (i, i < 100 ? i + 1000 : i);
  close_disk ();
}

/* Pages that are late all the time, since the shard is never quiet, and so
 * are of no coding.
 */
static void
test_late (void)
{
  uint64_t i;

  params.late = 3 * MiB;
  open_disk ();
  fill ();
  CHECK (disk_stats (d).late_pages == PAGES);
  let_pass (7 * HOUR);
  CHECK (disk_stats (d).upkeep_idle_pages == PAGES);
  CHECK (disk_stats (d).late_pages == 0 && pages_of (6) == PAGES);
  for (i = 0; i < PAGES; ++i)
    expect (i, i);
  close_disk ();
}

/* Noise, words, and what has gone before: none is tried twice. */
static void
test_in_vain (void)
{
  unsigned char page[PAGE];
  uint64_t i, rng = 1, k;

  open_disk ();
  for (i = 0; i < PAGES; ++i) {
    for (k = 0; k < PAGE; ++k)
      page[k] = (unsigned char) rng_next (&rng);
    if (i % 3 == 1)
      page_same (page, PAGE, i);
    else if (i % 3 == 2)        /* a good codec gains next to nothing */
      memset (page + 2000, 0, PAGE - 2000);
    CHECK (zram_pwrite (d, page, PAGE, i * PAGE) == 0);
  }
  let_pass (7 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES / 3 * 2);
  CHECK (disk_stats (d).upkeep_idle_pages == 0);
  let_pass (7 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES / 3 * 4);
  let_pass (60 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES / 3 * 4);
  CHECK (disk_stats (d).upkeep_rounds == 2);
  CHECK (disk_stats (d).upkeep_gained == 0);
  close_disk ();
}

/* Pages that are written with a better level than the first stage's. */
static void
test_good_already (void)
{
  char message[ZRAM_MESSAGE_MAX];

  open_disk ();
  CHECK (zram_set_algorithm (d, "zstd", true, 9, message) == 0);
  fill ();
  let_pass (8 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == 0 && pages_of (9) == PAGES);
  let_pass (6 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES);
  close_disk ();
}

/* The clock jumps, either way, by a power of ten of seconds. */
static void
test_jumps (void)
{
  int64_t power;
  unsigned n = 0;

  open_disk ();
  fill ();
  for (power = 1; power <= 1000000000; power *= 10) {
    ahead += power;
    upkeep_look (&d->upkeep);
    ahead -= power;
    upkeep_look (&d->upkeep);
    ahead -= power % 1000000;   /* before the machine was started, perhaps */
    upkeep_look (&d->upkeep);
    ahead += power % 1000000;
    upkeep_look (&d->upkeep);
    n += 2;
  }
  CHECK (n * 60 < HOUR);
  CHECK (disk_stats (d).upkeep_tried == 0);
  CHECK (table_epochs_ago (&d->shards[0].table, 3) <= n * 60 / EPOCH + 1);
  let_pass (7 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES);
  close_disk ();
}

/* Powers of ten of time, at powers of ten of speed: an age never comes
 * round, though nothing is done.
 */
static void
test_long (void)
{
  uint64_t speed, i;
  unsigned age, was;

  for (speed = 1; speed <= 10000; speed *= 10) {
    params.upkeep = zram_upkeep_usual ();
    params.upkeep.n[ZRAM_UPKEEP_SPEED] = speed;
    open_disk ();
    d->upkeep.asked.n[ZRAM_UPKEEP_LEAST] = UINT64_C (1) << 40;
    fill ();
    for (i = was = 0; i < 10000; ++i, was = age) {
      ahead += STEP;
      upkeep_look (&d->upkeep);
      age = table_epochs_ago (&d->shards[0].table, 3);
      CHECK (age >= was || age >= AGE_HELD);
    }
    CHECK (age >= AGE_HELD);
    CHECK (report ().state == ZRAM_UPKEEP_WAITS_LITTLE);
    CHECK (disk_stats (d).upkeep_tried == 0);
    close_disk ();
  }
}

/* Sooner, where mem-limit is near: what is older first. */
static void
test_short (void)
{
  uint64_t i, held;

  params.mem_limit = 16 * MiB;
  open_disk ();
  fill ();
  let_pass (HOUR);
  CHECK (disk_stats (d).upkeep_tried == 0);
  held = disk_stats (d).mem_used_total;
  for (i = 0; i < 100; ++i)
    put (i, i);
  zram_set_mem_limit (d, held * 10 / 9);
  upkeep_look (&d->upkeep);
  upkeep_look (&d->upkeep);
  CHECK (pages_of (6) + pages_of (15) == 0);    /* no room to work in */
  CHECK (report ().state == ZRAM_UPKEEP_NO_MEMORY);
  CHECK (report ().value == ENOSPC);
  let_pass (120);
  zram_set_mem_limit (d, held + 4 * MiB);
  d->upkeep.asked.n[ZRAM_UPKEEP_FULL] = 1;
  let_pass (60);
  CHECK (pages_of (6) >= PAGES - 100 && pages_of (1) == 100);
  let_pass (3 * EPOCH);
  CHECK (pages_of (1) == 0);
  close_disk ();
}

static void
test_pressure (void)
{
  open_disk ();
  fill ();
  say_pressure ("57.31");
  let_pass (8 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == 0);
  CHECK (report ().state == ZRAM_UPKEEP_PAUSED && report ().value == 57);
  say_pressure ("10.99");
  let_pass (STEP);
  CHECK (disk_stats (d).upkeep_tried == PAGES);
  put (0, 1);
  let_pass (STEP);
  CHECK (report ().state == ZRAM_UPKEEP_WAITS_IDLE);
  close_disk ();
  open_disk ();
  fill ();
  d->upkeep.pressure_file = "/nonexistent";
  let_pass (8 * HOUR);
  CHECK (disk_stats (d).upkeep_tried == PAGES);
  close_disk ();
}

static void
test_off (void)
{
  struct zram_params p = {
    .size = MiB, .swap = true, .upkeep = zram_upkeep_usual (),
  };

  d = disk_open (&p);
  CHECK (!(d->shards[0].table.ages_kept & AGES_EPOCHS));
  CHECK (report ().state == ZRAM_UPKEEP_OFF_SWAP);
  CHECK (!d->upkeep.worker.running);
  zram_close (d);
  p.swap = false;
  p.upkeep.on = false;
  d = disk_open (&p);
  CHECK (zram_keeper_start (d) == 0 && !d->upkeep.worker.running);
  CHECK (report ().state == ZRAM_UPKEEP_OFF);
  CHECK (!d->shards[0].table.ages_kept);
  zram_close (d);
}

int
main (void)
{
  int fd = mkstemp (file);

  CHECK (fd >= 0);
  close (fd);
  if (codec_find ("zstd") < 0)
    return 77;
  test_stages ();
  test_late ();
  test_in_vain ();
  test_good_already ();
  test_jumps ();
  test_long ();
  test_short ();
  test_pressure ();
  test_off ();
  unlink (file);
  return 0;
}
