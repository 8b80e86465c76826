/* nbdkit-zram: upkeep by itself: the numbers it goes by.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "upkeep.h"

#define MINUTE 60u
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MiB (UINT64_C (1) << 20)

/* The times are ChromeOS's for its zram; levels and gain are measured. */
static const struct zram_upkeep_info numbers[ZRAM_UPKEEP_NUMBERS] = {
  [ZRAM_UPKEEP_IDLE_MIN] = { "idle-min", ZRAM_UPKEEP_SECONDS,
    1 * HOUR, 1, 365 * DAY, "a page is idle after this where all memory is"
    " used" },
  [ZRAM_UPKEEP_IDLE_MAX] = { "idle-max", ZRAM_UPKEEP_SECONDS,
    6 * HOUR, 1, 365 * DAY, "a page is idle after this where no memory is"
    " used" },
  [ZRAM_UPKEEP_COLD] = { "cold", ZRAM_UPKEEP_SECONDS,
    12 * HOUR, 1, 365 * DAY, "a page is cold after this" },
  [ZRAM_UPKEEP_SHORT] = { "short", ZRAM_UPKEEP_SECONDS,
    5 * MINUTE, 1, 365 * DAY, "a page is idle after this where mem-limit is"
    " near" },
  [ZRAM_UPKEEP_FULL] = { "full", ZRAM_UPKEEP_PERCENT,
    85, 1, 100, "so much of mem-limit is near it" },
  [ZRAM_UPKEEP_LEVEL] = { "level", ZRAM_UPKEEP_COUNT,
    6, 1, 19, "zstd's level for idle pages" },
  [ZRAM_UPKEEP_COLD_LEVEL] = { "cold-level", ZRAM_UPKEEP_COUNT,
    15, 1, 19, "zstd's level for cold pages" },
  [ZRAM_UPKEEP_GAIN] = { "gain", ZRAM_UPKEEP_BYTES,
    32, 1, 65536, "a page that would not shrink by this stays as it is" },
  [ZRAM_UPKEEP_LEAST] = { "least", ZRAM_UPKEEP_BYTES,
    4 * MiB, 0, UINT64_C (1) << 44, "no upkeep below this much compressed"
    " data" },
  [ZRAM_UPKEEP_CPU] = { "cpu", ZRAM_UPKEEP_PERCENT,
    5, 1, 100, "of one processor, at most" },
  [ZRAM_UPKEEP_PRESSURE] = { "pressure", ZRAM_UPKEEP_PERCENT,
    10, 1, 100, "pause while others wait for a processor for more of the"
    " time" },
  [ZRAM_UPKEEP_SPEED] = { "speed", ZRAM_UPKEEP_COUNT,
    1, 1, 10000, "let pages age so many times as fast" },
};

const struct zram_upkeep_info *
zram_upkeep_info (unsigned n)
{
  return n < ZRAM_UPKEEP_NUMBERS ? &numbers[n] : NULL;
}

struct zram_upkeep
zram_upkeep_usual (void)
{
  struct zram_upkeep u = { .on = true };
  unsigned i;

  for (i = 0; i < ZRAM_UPKEEP_NUMBERS; ++i)
    u.n[i] = numbers[i].usual;
  return u;
}

/* Pages get idle, and then cold; sooner where memory is short. */
static int
numbers_check_order (const struct zram_upkeep *u,
                     char message[ZRAM_MESSAGE_MAX])
{
  static const enum zram_upkeep_number order[] = {
    ZRAM_UPKEEP_SHORT, ZRAM_UPKEEP_IDLE_MIN, ZRAM_UPKEEP_IDLE_MAX,
    ZRAM_UPKEEP_COLD,
  };
  unsigned i;

  for (i = 1; i < sizeof order / sizeof order[0]; ++i)
    if (u->n[order[i - 1]] > u->n[order[i]]) {
      snprintf (message, ZRAM_MESSAGE_MAX, "%s (%" PRIu64 " s) must"
                " not be longer than %s (%" PRIu64 " s)",
                numbers[order[i - 1]].key, u->n[order[i - 1]],
                numbers[order[i]].key, u->n[order[i]]);
      return -EINVAL;
    }
  return 0;
}

int
upkeep_check (const struct zram_upkeep *u, char message[ZRAM_MESSAGE_MAX])
{
  unsigned i;

  for (i = 0; i < ZRAM_UPKEEP_NUMBERS; ++i)
    if (u->n[i] < numbers[i].min || u->n[i] > numbers[i].max) {
      snprintf (message, ZRAM_MESSAGE_MAX, "%s must be from %" PRIu64
                " to %" PRIu64 ", not %" PRIu64, numbers[i].key,
                numbers[i].min, numbers[i].max, u->n[i]);
      return -EINVAL;
    }
  return numbers_check_order (u, message);
}

/* min + (max - min) * e^(-5 used).  e^(-0.05) for each percent. */
uint64_t
upkeep_idle_seconds (const struct zram_upkeep *u, unsigned used_percent)
{
  uint64_t min = u->n[ZRAM_UPKEEP_IDLE_MIN];
  double more = (double) (u->n[ZRAM_UPKEEP_IDLE_MAX] - min);

  while (used_percent--)
    more *= 0.95122942450071400910;
  return min + (uint64_t) more;
}
