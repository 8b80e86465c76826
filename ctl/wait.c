/* nbdzramctl: waiting, but never without end.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"
#include "message.h"
#include "timeout.h"
#include "wait.h"

/* How soon a signal is noticed, in ms. */
#define STEP_MS 50

int
wait_step (uint64_t deadline, const char *who)
{
  uint64_t now = clock_ms ();

  if (interrupt_check () < 0)
    return -1;
  if (now >= deadline)
    return fault ("%s has not answered within %u s; --timeout SECONDS waits"
                  " longer", who, timeout_seconds ());
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
