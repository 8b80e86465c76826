/* nbdzramctl: waiting, but never without end.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "number-text.h"
#include "subprocess.h"
#include "wait.h"

/* So soon a signal is seen. */
#define STEP_MS 50

static unsigned limit = WAIT_SECONDS;

int
wait_limit (const char *seconds)
{
  uint64_t n;

  if (!seconds)
    return 0;
  if (number_parse (seconds, &n) < 0 || n == 0 || n > WAIT_SECONDS_MAX)
    return fault ("--timeout %s: must be seconds from 1 to %d", seconds,
                  WAIT_SECONDS_MAX);
  limit = (unsigned) n;
  return 0;
}

unsigned
wait_seconds (void)
{
  return limit;
}

uint64_t
wait_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

uint64_t
wait_deadline (void)
{
  return wait_now () + limit * UINT64_C (1000);
}

int
wait_step (uint64_t deadline, const char *who)
{
  uint64_t now = wait_now ();

  if (interrupt_check () < 0)
    return -1;
  if (now >= deadline)
    return fault ("%s has not answered within %u s; --timeout SECONDS waits"
                  " longer", who, limit);
  return deadline - now < STEP_MS ? (int) (deadline - now) : STEP_MS;
}

int
wait_file (int fd, short events, uint64_t deadline, const char *who)
{
  struct pollfd p = { .fd = fd, .events = events };
  int ms, r;

  do {
    ms = wait_step (deadline, who);
    if (ms < 0)
      return -1;
    r = poll (&p, 1, ms);
    if (r < 0 && errno != EINTR)
      return fault ("poll: %s", strerror (errno));
  } while (r <= 0);
  return 0;
}
