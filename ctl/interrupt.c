/* nbdzramctl: signals that end the tool, where that leaves nothing half
 * done.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * They are blocked, and looked at between two steps, so that none can slip in.
 */

#include <config.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interrupt.h"
#include "message.h"
#include "timeout.h"

static const int endings[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define N_ENDINGS (sizeof endings / sizeof endings[0])

static sigset_t waited, before;
static int came;                /* the signal that came first */
static bool deferred;
static uint64_t give_up_at;     /* ms; of what is done while it is deferred */

void
interrupt_begin (void)
{
  struct sigaction old, plain = { .sa_handler = SIG_DFL };
  size_t i;

  sigemptyset (&waited);
  sigaddset (&waited, SIGCHLD);
  /* What nohup or a shell ignores is ignored here too. */
  for (i = 0; i < N_ENDINGS; i++)
    if (sigaction (endings[i], NULL, &old) == 0 &&
        old.sa_handler != SIG_IGN)
      sigaddset (&waited, endings[i]);
  sigaction (SIGCHLD, &plain, NULL);
  sigprocmask (SIG_BLOCK, &waited, &before);
}

bool
interrupt_wait (const struct timespec *timeout)
{
  int sig = sigtimedwait (&waited, NULL, timeout);

  if (sig > 0 && sig != SIGCHLD && !came)
    came = sig;
  return sig > 0;
}

bool
interrupt_came (void)
{
  const struct timespec now = { 0, 0 };

  while (interrupt_wait (&now))
    ;
  return came != 0;
}

bool
interrupt_pending (void)
{
  sigset_t pending;
  size_t i;

  if (sigpending (&pending) < 0)
    return false;
  for (i = 0; i < N_ENDINGS; i++)
    if (sigismember (&pending, endings[i]) == 1 &&
        sigismember (&waited, endings[i]) == 1)
      return true;
  return false;
}

void
interrupt_defer (bool on)
{
  deferred = on;
  give_up_at = clock_ms () + timeout_program_seconds () * 1000;
}

void
interrupt_end (void)
{
  bool stopped = interrupt_came ();

  fflush (stdout);
  sigprocmask (SIG_SETMASK, &before, NULL);
  if (stopped)
    raise (came);
}

bool
interrupt_stops (void)
{
  return !deferred && interrupt_came ();
}

int
interrupt_check (void)
{
  return !interrupt_stops () ? 0
    : fault ("stopped by a signal (%s)", strsignal (came));
}

int
interrupt_pause (unsigned ms)
{
  const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

  if (deferred) {
    nanosleep (&t, NULL);
    return clock_ms () < give_up_at ? 0
      : fault ("it took longer than %" PRIu64 " s", timeout_program_seconds ());
  }
  interrupt_wait (&t);
  return interrupt_check ();
}

bool
interrupt_deferred (void)
{
  return deferred;
}
