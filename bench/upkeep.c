/* nbdkit-zram: what upkeep makes of the pages of a file.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   upkeep CORPUS [ALGO [LEVEL]]
 *
 * Fills a disk with the pages of a file, lets time pass faster, and prints
 * what all memory held comes to before, after the first stage and after the
 * second, and how long a random read takes at each.  Then, on another disk
 * and with the usual share of a processor, how long requests take while
 * upkeep works, against before it does.
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "latency.h"
#include "support.h"
#include "zram.h"

#define PAGE 4096u
#define READS 100000u
#define HOT 16u                 /* requests go to this part of the disk */
#define SECOND UINT64_C (1000000000)

/* Pages are idle after some seconds, and cold then too, or never. */
#define SPEED 10000u
#define IDLE_S (4 * SPEED)
#define NEVER_S (400 * SPEED)
#define PATIENCE 150            /* seconds */

static const char *corpus;
static uint64_t n_pages;
static uint64_t random_state = 1;

static struct zram_disk *
upkeep_disk (struct zram_params *params)
{
  char message[ZRAM_MESSAGE_MAX];
  struct zram_disk *disk;
  uint64_t i;

  params->size = n_pages * PAGE;
  if (zram_open (params, &disk, message) < 0)
    die ("%s", message);
  for (i = 0; i < n_pages; ++i)
    if (zram_pwrite (disk, corpus + i * PAGE, PAGE, i * PAGE) < 0)
      die ("cannot write");
  zram_compact (disk);
  if (zram_keeper_start (disk) < 0)
    die ("no thread");
  return disk;
}

static struct zram_upkeep
upkeep_numbers (unsigned cpu, unsigned cold)
{
  struct zram_upkeep u = zram_upkeep_usual ();

  u.n[ZRAM_UPKEEP_SHORT] = u.n[ZRAM_UPKEEP_IDLE_MIN] = IDLE_S;
  u.n[ZRAM_UPKEEP_IDLE_MAX] = IDLE_S;
  u.n[ZRAM_UPKEEP_COLD] = cold;
  u.n[ZRAM_UPKEEP_SPEED] = SPEED;
  u.n[ZRAM_UPKEEP_PRESSURE] = 100;
  u.n[ZRAM_UPKEEP_CPU] = cpu;
  return u;
}

/* The median time of a random read, which is an access: so it comes last. */
static double
upkeep_read_us (struct zram_disk *disk)
{
  static struct latency l;
  char page[PAGE];
  uint64_t start;
  unsigned i;

  memset (&l, 0, sizeof l);
  for (i = 0; i < READS; ++i) {
    uint64_t at = random_below (&random_state, n_pages) * PAGE;

    start = thread_cpu ();
    if (zram_pread (disk, page, PAGE, at) < 0)
      die ("cannot read");
    latency_add (&l, thread_cpu () - start);
  }
  return (double) l.sum / (double) l.count / 1000;
}

static double upkeep_base;

static void
upkeep_row (struct zram_disk *disk, const char *name)
{
  struct zram_stats st;
  double held;

  zram_compact (disk);
  zram_stats (disk, &st);
  held = (double) st.mem_used_total / 1048576;
  if (upkeep_base == 0)
    upkeep_base = held;
  printf ("%-14s %8.2f MiB %6.3f x %8.1f bytes a page %7.2f us a read"
          " %6.1f s of CPU\n", name, held, held / upkeep_base,
          (double) st.compr_data_size / (double) n_pages,
          upkeep_read_us (disk), (double) st.upkeep_cpu_ms / 1000);
  fflush (stdout);
}

/* Wait until so many pages were tried and it waits again. */
static void
upkeep_wait (struct zram_disk *disk, uint64_t tried)
{
  struct zram_upkeep_report report = { 0 };
  struct zram_stats st = { 0 };
  unsigned i;

  for (i = 0; i < PATIENCE * 20; ++i) {
    usleep (50000);
    zram_upkeep_report (disk, &report);
    zram_stats (disk, &st);
    if (report.state == ZRAM_UPKEEP_WAITS_IDLE && st.upkeep_tried >= tried)
      return;
  }
  die ("upkeep has not come to an end: state %d, %" PRIu64 " tried",
       (int) report.state, st.upkeep_tried);
}

static void
upkeep_stages (struct zram_params *params)
{
  struct zram_disk *disk = upkeep_disk (params);

  upkeep_row (disk, "without");
  zram_close (disk);
  params->upkeep = upkeep_numbers (100, NEVER_S);
  disk = upkeep_disk (params);
  upkeep_wait (disk, n_pages / 2);
  upkeep_row (disk, "first stage");
  zram_close (disk);
  params->upkeep = upkeep_numbers (100, IDLE_S);
  disk = upkeep_disk (params);
  upkeep_wait (disk, n_pages);
  upkeep_row (disk, "second stage");
  zram_close (disk);
}

static void
upkeep_wait_state (struct zram_disk *disk, enum zram_upkeep_state state)
{
  struct zram_upkeep_report report = { 0 };
  unsigned i;

  for (i = 0; i < PATIENCE * 20; ++i) {
    zram_upkeep_report (disk, &report);
    if (report.state == state)
      return;
    usleep (50000);
  }
  die ("upkeep has not come to state %d, but %d", (int) state,
       (int) report.state);
}

/* Reads and writes of a few pages for some seconds, while it is in this
 * state.
 */
static void
upkeep_requests (struct zram_disk *disk, enum zram_upkeep_state state,
                 struct latency *l)
{
  struct zram_upkeep_report report;
  uint64_t start = now (), t = start, at, from;
  char page[PAGE];
  unsigned i = 0;
  int r;

  while (t < start + 4 * SECOND) {
    at = random_below (&random_state, n_pages / HOT) * PAGE;
    from = random_below (&random_state, n_pages) * PAGE;
    t = now ();
    r = i % 2 ? zram_pwrite (disk, corpus + from, PAGE, at)
      : zram_pread (disk, page, PAGE, at);
    if (r < 0)
      die ("a request failed");
    latency_add (l, now () - t);
    if (i++ % 1024 == 0) {
      zram_upkeep_report (disk, &report);
      if (report.state != state)
        return;
    }
  }
}

static void
upkeep_beside (struct zram_params *params)
{
  static struct latency quiet, busy;
  struct zram_disk *disk;

  params->upkeep = upkeep_numbers (5, NEVER_S);
  disk = upkeep_disk (params);
  upkeep_wait_state (disk, ZRAM_UPKEEP_WAITS_IDLE);
  upkeep_requests (disk, ZRAM_UPKEEP_WAITS_IDLE, &quiet);
  upkeep_wait_state (disk, ZRAM_UPKEEP_WORKS);
  upkeep_requests (disk, ZRAM_UPKEEP_WORKS, &busy);
  zram_close (disk);
  printf ("requests beside it: p50 %.2f and %.2f us, p99 %.2f and %.2f us"
          " (%.2f x)\n",
          (double) latency_percentile (&quiet, 0.5) / 1000,
          (double) latency_percentile (&busy, 0.5) / 1000,
          (double) latency_percentile (&quiet, 0.99) / 1000,
          (double) latency_percentile (&busy, 0.99) / 1000,
          (double) latency_percentile (&busy, 0.99) /
          (double) latency_percentile (&quiet, 0.99));
}

int
main (int argc, char *argv[])
{
  struct zram_params params = { .algo = argc > 2 ? argv[2] : "zstd" };
  uint64_t size;

  if (argc < 2) {
    fprintf (stderr, "usage: upkeep CORPUS [ALGO [LEVEL]]\n");
    return EXIT_FAILURE;
  }
  params.has_level = argc > 3;
  params.level = argc > 3 ? atoi (argv[3]) : 0;
  corpus = map_file (argv[1], &size);
  n_pages = size / PAGE;
  upkeep_stages (&params);
  upkeep_beside (&params);
  return 0;
}
