/* nbdzramctl: a command of the server that takes long.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "errand.h"
#include "message.h"
#include "must.h"
#include "timeout.h"

/* An answer, or a fault, is at most so long here. */
#define SAID_MAX 4096

/* As long as --timeout can be: the answer comes when the work is done. */
#define SECONDS_TEXT(n) #n
#define SECONDS(n) SECONDS_TEXT (n)

/* In the process: what comes first is 1 if the rest is a fault. */
static void
errand_say (int fd, bool bad, const char *text)
{
  char *all = must_printf ("%d%s", bad, text);
  size_t n = strlen (all), at = 0;
  ssize_t r;

  while (at < n) {
    r = write (fd, all + at, n - at);
    if (r <= 0)
      break;
    at += (size_t) r;
  }
  free (all);
}

static void __attribute__ ((noreturn))
errand_run (int fd, pid_t parent, const char *uri, const char *command)
{
  char *payload;
  int r;

  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != parent)
    _exit (EXIT_FAILED);
  timeout_parse (SECONDS (TIMEOUT_MAX));
  r = client_command (uri, command, &payload);
  errand_say (fd, r < 0, r < 0 ? fault_text () : payload);
  _exit (EXIT_OK);
}

int
errand_start (struct errand *e, const char *uri, const char *command)
{
  pid_t parent = getpid ();
  int fds[2];

  *e = (struct errand) { .said = must_alloc (SAID_MAX + 1, 1) };
  fflush (NULL);
  if (pipe (fds) < 0) {
    free (e->said);
    return fault ("cannot make a pipe: %s", strerror (errno));
  }
  e->pid = fork ();
  if (e->pid == 0) {
    close (fds[0]);
    errand_run (fds[1], parent, uri, command);
  }
  close (fds[1]);
  e->fd = fds[0];
  if (e->pid > 0)
    return 0;
  fault ("cannot start a process: %s", strerror (errno));
  close (e->fd);
  free (e->said);
  return -1;
}

bool
errand_wait (struct errand *e, int ms)
{
  struct pollfd p = { .fd = e->fd, .events = POLLIN };
  ssize_t r;

  if (poll (&p, 1, ms) <= 0)
    return false;
  r = read (e->fd, e->said + e->n, SAID_MAX - e->n);
  if (r > 0)
    e->n += (size_t) r;
  return r == 0 || e->n == SAID_MAX || (r < 0 && errno != EINTR);
}

void
errand_cancel (struct errand *e)
{
  kill (e->pid, SIGTERM);
  while (waitpid (e->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  close (e->fd);
  free (e->said);
}

int
errand_end (struct errand *e, char **payload)
{
  bool good = e->n > 0 && e->said[0] == '0';

  *payload = good ? must_copy (e->said + 1) : NULL;
  if (!good && e->n > 1)
    fault ("%s", e->said + 1);
  else if (!good)
    fault ("the process that waits for the answer has ended");
  errand_cancel (e);
  return good ? 0 : -1;
}
