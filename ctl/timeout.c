/* nbdzramctl: the time, and how long an answer may take.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stddef.h>
#include <time.h>

#include "message.h"
#include "number.h"
#include "timeout.h"

/* A program may take so many times as long as one exchange: it may ask more
 * than once, and a machine that swaps is slow.
 */
#define PROGRAM_LIMITS 3

static unsigned limit = TIMEOUT_SECONDS;

int
timeout_parse (const char *seconds)
{
  uint64_t n;

  if (!seconds)
    return 0;
  if (number_count (seconds, 0, &n) < 0 || n == 0 || n > TIMEOUT_MAX)
    return fault ("--timeout %s: must be seconds from 1 to %d", seconds,
                  TIMEOUT_MAX);
  limit = (unsigned) n;
  return 0;
}

unsigned
timeout_seconds (void)
{
  return limit;
}

uint64_t
clock_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

uint64_t
clock_ms (void)
{
  return clock_ns () / 1000000;
}

uint64_t
timeout_deadline (void)
{
  return clock_ms () + limit * UINT64_C (1000);
}

uint64_t
timeout_program_seconds (void)
{
  return PROGRAM_LIMITS * (uint64_t) limit;
}
