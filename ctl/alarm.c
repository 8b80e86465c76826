/* nbdzramctl: what waits below us, in a library, is woken now and then.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * libnbd does not wait by itself, but lets GnuTLS wait 40 s for an answer to
 * the first words of TLS; and it does not come back while a server sends
 * faster than it reads.  It may do both before it has told us its socket: if
 * the server is so quick that connecting never has to wait.  So until then all
 * sockets are shut down that were not there before.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "alarm.h"
#include "interrupt.h"
#include "timeout.h"

#define TICK_US 100000
/* How long after the deadline: callers that look at the time themselves come
 * first.
 */
#define LATE_MS 300

static _Atomic uint64_t over;
static _Atomic int watched = -1;

static fd_set before;           /* open files, while the socket is unknown */
static _Atomic bool searching;

/* Shut down the sockets that are new.  Other files are not harmed by that. */
static void
alarm_shutdown_new (void)
{
  int fd;

  for (fd = 0; fd < FD_SETSIZE; fd++)
    if (!FD_ISSET (fd, &before))
      shutdown (fd, SHUT_RDWR);
}

static void
alarm_rings (int sig)
{
  int saved = errno, fd = watched;

  (void) sig;
  if ((fd >= 0 || searching) &&
      (clock_ms () >= over || interrupt_pending ())) {
    if (fd >= 0)
      shutdown (fd, SHUT_RDWR);
    else
      alarm_shutdown_new ();
  }
  errno = saved;
}

static void
alarm_set (long us)
{
  const struct itimerval t = { { 0, us }, { 0, us } };

  setitimer (ITIMER_REAL, &t, NULL);
}

/* Unblock the signal: the program that started us may have blocked it. */
static void
alarm_unblock (void)
{
  sigset_t alarm;

  sigemptyset (&alarm);
  sigaddset (&alarm, SIGALRM);
  pthread_sigmask (SIG_UNBLOCK, &alarm, NULL);
}

static void
alarm_note_open_files (void)
{
  int fd;

  FD_ZERO (&before);
  for (fd = 0; fd < FD_SETSIZE; fd++)
    if (fcntl (fd, F_GETFD) >= 0)
      FD_SET (fd, &before);
}

void
alarm_begin (uint64_t deadline)
{
  const struct sigaction tick = { .sa_handler = alarm_rings };

  alarm_end ();
  alarm_note_open_files ();
  searching = true;
  over = deadline + LATE_MS;
  sigaction (SIGALRM, &tick, NULL);
  alarm_unblock ();
  alarm_set (TICK_US);
}

void
alarm_socket (int fd)
{
  watched = fd;
  searching = false;
}

/* The handler stays: a signal may be on its way to another thread, and would
 * end the tool.  Programs that it runs do not inherit the handler.
 */
void
alarm_end (void)
{
  watched = -1;
  searching = false;
  alarm_set (0);
}
