/* nbdkit-zram: late pages at the memory limit, and the workers.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What is late must never cost a write that would have fitted, and is
 * compressed without being asked for.
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "latelib.h"

/* At the limit. */

/* Fill a disk until a write fails.  How many pages it took. */
static uint64_t
fill (uint64_t late, uint64_t limit, size_t noise)
{
  struct zram_params p = {
    .size = 64 * MiB, .late = late, .mem_limit = limit,
  };
  unsigned char buf[PAGE];
  uint64_t n;
  int r;

  start_with (p);
  for (n = 0, r = 0; r == 0; ++n) {
    CHECK (n < p.size / PAGE);
    page_make (buf, PAGE, noise, n);
    r = zram_pwrite (d, buf, PAGE, n * PAGE);
  }
  CHECK (r == -ENOSPC && disk_stats (d).mem_used_max <= limit);
  stop ();
  return n;
}

static void
test_limit (void)
{
  static const size_t noise[] = { 300, 1000, 3000 };
  uint64_t with, without;
  size_t i;

  for (i = 0; i < sizeof noise / sizeof noise[0]; ++i) {
    without = fill (0, 4 * MiB, noise[i]);
    with = fill (MiB, 4 * MiB, noise[i]);
    printf ("noise %zu: %" PRIu64 " pages fit, %" PRIu64 " where some were"
            " late\n", noise[i], without, with);
    CHECK (with >= without - without / 50);
  }
}

/* All that is held is late, all room is taken, and the limit comes: what is
 * late must make room for what would have fitted.
 */
static void
test_pressed (void)
{
  struct zram_params p = { .size = 64 * MiB, .late = 64 * PAGE };
  uint64_t limit;
  unsigned i;

  start_with (p);
  for (i = 0; i < 64; ++i)
    put (i, i);
  CHECK (s->late.n == 64);
  limit = disk_stats (d).mem_used_total;
  zram_set_mem_limit (d, limit);
  for (; i < 128; ++i)
    put (i, i);
  CHECK (s->late.n == 0);
  for (i = 0; i < 128; ++i)
    CHECK (holds (i, i));
  CHECK (disk_stats (d).mem_used_max <= limit);
  disk_recount (d);

  /* In a request of many, and in parts, and where zeroes need a node. */
  zram_set_mem_limit (d, 0);
  CHECK (zram_trim (d, p.size, 0) == 0 && zram_compact (d) == 0);
  for (i = 0; i < 64; ++i)
    put (i, i);
  zram_set_mem_limit (d, disk_stats (d).mem_used_total);
  CHECK (zram_pwrite (d, "y", 1, 5000 * PAGE) == 0);
  CHECK (zram_zero (d, PAGE, 9000 * PAGE) == 0);
  for (i = 0; i < 64; ++i)
    CHECK (holds (i, i));
  stop ();
}

/* The workers. */

static bool
wait_for_late (uint64_t most)
{
  unsigned ms;

  for (ms = 0; ms < 30000 && disk_stats (d).late_pages > most; ms += 10)
    usleep (10000);
  return disk_stats (d).late_pages <= most;
}

static void
test_workers (void)
{
  unsigned i;

  start ();
  CHECK (zram_keeper_start (d) == 0);
  for (i = 0; i <= LATE / 2; ++i)
    put (i, i);
  CHECK (wait_for_late (LATE / 2));     /* half full */
  CHECK (wait_for_late (0));            /* quiet */
  for (i = 0; i <= LATE / 2; ++i)
    CHECK (holds (i, i));
  for (i = 0; i < 3000 && disk_stats (d).mem_raw > 0; ++i)
    usleep (10000);
  CHECK (disk_stats (d).mem_raw == 0);
  put (0, 77);
  zram_keeper_stop (d);
  CHECK (holds (0, 77));
  stop ();
}

int
main (void)
{
  test_limit ();
  test_pressed ();
  test_workers ();
  return 0;
}
