/* nbdkit-zram: upkeep by itself: its thread.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It keeps to its share of a processor, and stops at once whatever it does.
 */

#include <config.h>

#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define SECOND UINT64_C (1000000000)
#define PAGE 4096u

static struct zram_disk *d;

static uint64_t
clock_ns (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

static struct zram_upkeep_report
report (void)
{
  struct zram_upkeep_report r;

  zram_upkeep_report (d, &r);
  return r;
}

static void
wait_for (enum zram_upkeep_state state)
{
  unsigned ms;

  for (ms = 0; report ().state != state; ms += 5) {
    if (ms > 60000)
      fail ("not within a minute: state %d", (int) state);
    usleep (5000);
  }
}

static void
start (unsigned cpu, unsigned page, enum zram_dictionary dictionary)
{
  struct zram_params p = {
    .size = 32 * MiB, .page_size = page, .algo = "zstd",
    .dictionary = dictionary,
    .upkeep = zram_upkeep_usual (),
  };
  unsigned char buf[PAGE];
  uint64_t i;

  p.upkeep.n[ZRAM_UPKEEP_SPEED] = 10000;
  p.upkeep.n[ZRAM_UPKEEP_LEAST] = 0;
  p.upkeep.n[ZRAM_UPKEEP_PRESSURE] = 100;
  p.upkeep.n[ZRAM_UPKEEP_CPU] = cpu;
  d = disk_open (&p);
  for (i = 0; i < p.size / PAGE; ++i) {
    page_words (buf, PAGE, i);
    CHECK (zram_pwrite (d, buf, PAGE, i * PAGE) == 0);
  }
  CHECK (zram_keeper_start (d) == 0);
}

/* On a busy machine anything can take long: what counts is how much work is
 * still done, and that nothing is slept through.
 */
static void
stop (unsigned most_ms)
{
  uint64_t before = clock_ns (CLOCK_MONOTONIC), worked = cpu_ms (), took;

  zram_keeper_stop (d);
  worked = cpu_ms () - worked;
  took = (clock_ns (CLOCK_MONOTONIC) - before) / 1000000;
  printf ("%" PRIu64 " ms of work, and %" PRIu64 " ms, to stop\n", worked,
          took);
  CHECK (worked <= most_ms * (SANITIZED ? 10 : 1));
  CHECK (took < 20000);
  CHECK (report ().state == ZRAM_UPKEEP_OFF_THREAD);
  disk_recount (d);
  zram_close (d);
}

/* While it works, sleeps off what it used, waits, and trains. */
static void
test_stop (void)
{
  start (100, 65536, ZRAM_DICTIONARY_OFF);
  wait_for (ZRAM_UPKEEP_WORKS);
  stop (200);
  start (1, PAGE, ZRAM_DICTIONARY_OFF);
  wait_for (ZRAM_UPKEEP_WORKS);
  usleep (50000);
  stop (200);
  start (1, PAGE, ZRAM_DICTIONARY_OFF);
  stop (200);
  start (100, PAGE, ZRAM_DICTIONARY_AUTO);
  wait_for (ZRAM_UPKEEP_WORKS);
  stop (2000);
}

static void
test_share (void)
{
  uint64_t before, used, took;

  start (5, PAGE, ZRAM_DICTIONARY_OFF);
  wait_for (ZRAM_UPKEEP_WORKS);
  before = clock_ns (CLOCK_MONOTONIC);
  used = counter_get (&d->upkeep.n.cpu_ns);
  usleep (2000000);
  used = counter_get (&d->upkeep.n.cpu_ns) - used;
  took = clock_ns (CLOCK_MONOTONIC) - before;
  printf ("%.2f %% of a processor\n", 100. * (double) used / (double) took);
  CHECK (report ().state == ZRAM_UPKEEP_WORKS);
  CHECK (used > 0 && used * 20 < took + 20 * (SANITIZED ? SECOND / 5
                                              : SECOND / 50));
  stop (200);
}

int
main (void)
{
  if (codec_find ("zstd") < 0)
    return 77;
  test_stop ();
  test_share ();
  return 0;
}
