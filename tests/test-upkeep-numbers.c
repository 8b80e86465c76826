/* nbdkit-zram: upkeep by itself: its numbers, its share, what the kernel says.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The formula for what is idle, the ranges of all numbers, the share of a
 * processor for times of every power of ten, and files of the kernel that
 * are not as they should be.
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "disklib.h"
#include "load.h"

#define MiB (UINT64_C (1) << 20)
#define SECOND UINT64_C (1000000000)
#define HOUR 3600

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

static void
test_formula (void)
{
  const struct zram_upkeep u = zram_upkeep_usual ();
  /* 3600 + 18000 * e^(-5 used) */
  static const struct { unsigned used; uint64_t seconds; } known[] = {
    { 0, 21600 }, { 10, 14517 }, { 20, 10221 }, { 50, 5077 }, { 80, 3929 },
    { 100, 3721 },
  };
  unsigned i;

  for (i = 0; i < sizeof known / sizeof known[0]; ++i)
    CHECK (upkeep_idle_seconds (&u, known[i].used) == known[i].seconds);
  for (i = 1; i <= 100; ++i)
    CHECK (upkeep_idle_seconds (&u, i) <= upkeep_idle_seconds (&u, i - 1));
}

static void
test_check (void)
{
  char message[ZRAM_MESSAGE_MAX];
  unsigned i;

  for (i = 0; i < ZRAM_UPKEEP_NUMBERS; ++i) {
    const struct zram_upkeep_info *info = zram_upkeep_info (i);
    struct zram_params p = {
      .size = MiB, .upkeep = zram_upkeep_usual (),
    };

    CHECK (zram_params_check (&p, message) == 0);
    p.upkeep.n[i] = info->max + 1;
    CHECK (zram_params_check (&p, message) == -EINVAL);
    CHECK (strstr (message, info->key));
    p.upkeep.n[i] = info->min - 1;
    CHECK (zram_params_check (&p, message) == -EINVAL || info->min == 0);
  }
  {
    struct zram_params p = { .size = MiB, .upkeep = zram_upkeep_usual () };

    p.upkeep.n[ZRAM_UPKEEP_COLD] = 5 * HOUR;
    CHECK (zram_params_check (&p, message) == -EINVAL);
    CHECK (strstr (message, "idle-max") && strstr (message, "cold"));
    p.upkeep.on = false;        /* then they mean nothing */
    CHECK (zram_params_check (&p, message) == 0);
  }
  CHECK (zram_upkeep_info (ZRAM_UPKEEP_NUMBERS) == NULL);
}

/* Work in pieces, and sleep as told, for a power of ten of ns. */
static void
test_budget (void)
{
  uint64_t power, now, used, piece;

  for (power = 10000000; power <= 1000000000000; power *= 10)
    for (piece = power / 1000; piece <= power / 10; piece *= 10) {
      struct budget b = { .percent = 5, .since = 7 };
      uint64_t debt;

      now = 7;
      used = 0;
      while (now < 7 + power) {
        now += piece;
        used += piece;
        debt = budget_debt (&b, now, used);
        CHECK (debt <= 25 * piece);
        now += debt;
      }
      CHECK (used <= (now - 7) / 20 + piece + BUDGET_SAVED);
      CHECK (used >= (now - 7) / 20 - piece);
      /* What was not used is lost. */
      now += 1000 * SECOND;
      CHECK (budget_debt (&b, now, used) == 0);
      used += SECOND;
      CHECK (budget_debt (&b, now, used) > 19 * SECOND);
      CHECK (budget_debt (&b, now - 500 * SECOND, used) > 18 * SECOND);
      CHECK (budget_debt (&b, 1, used) <= 20 * SECOND);
    }
}

static void
test_load (void)
{
  say_pressure ("12.93");
  CHECK (load_pressure (file) == 12);
  say_pressure ("0.00");
  CHECK (load_pressure (file) == 0);
  say ("");
  CHECK (load_pressure (file) == -1);
  say ("full avg10=3.00\n");
  CHECK (load_pressure (file) == -1);
  CHECK (load_pressure ("/nonexistent") == -1);
  say ("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n");
  CHECK (load_memory (file) == 75);
  say ("MemTotal:  1000 kB\nMemFree: 1 kB\n");
  CHECK (load_memory (file) == 0);
  say ("MemTotal:  99999999999999999999999999 kB\nMemAvailable: 7 kB\n");
  CHECK (load_memory (file) <= 100);
  CHECK (load_memory ("/nonexistent") == 0);
  CHECK (load_memory (LOAD_MEMORY) <= 100);
}

int
main (void)
{
  int fd = mkstemp (file);

  CHECK (fd >= 0);
  close (fd);
  test_formula ();
  test_check ();
  test_budget ();
  test_load ();
  unlink (file);
  return 0;
}
