/* nbdzramctl: `top' on a terminal: signals, and a server that may be silent.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "must.h"
#include "terminal.h"
#include "timeout.h"
#include "top.h"

static volatile sig_atomic_t caught;

static void
screen_catch (int sig)
{
  caught = sig;
}

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
#define N_ENDS (sizeof ends / sizeof ends[0])

/* Block signals, so that they come only while we wait, and none is missed. */
static void
screen_hold_signals (sigset_t *old)
{
  struct sigaction action, was;
  sigset_t held;
  size_t i;

  memset (&action, 0, sizeof action);
  action.sa_handler = screen_catch;
  sigemptyset (&held);
  sigaddset (&held, SIGWINCH);
  for (i = 0; i < N_ENDS; i++) {
    sigaddset (&held, ends[i]);
    if (sigaction (ends[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
      sigaction (ends[i], &action, NULL);
  }
  pthread_sigmask (SIG_BLOCK, &held, old);
}

/* End as the signal would have ended us, now that the terminal is restored. */
static void
screen_release_signals (const sigset_t *old)
{
  if (caught) {
    signal (caught, SIG_DFL);
    raise (caught);
  }
  pthread_sigmask (SIG_SETMASK, old, NULL);
}

/* Ask the server when it is time. */
static void
screen_ask (struct top *top)
{
  uint64_t now = clock_ns ();

  if (top->asked_ns || now < top->next_ns)
    return;
  top->asked_ns = now;
  top->next_ns = now + top->interval_ns;
  if (fetch_start (top->uri, top->pipe[1]) < 0) {
    top->asked_ns = 0;
    free (top->trouble);
    top->trouble = must_copy (fault_text ());
  }
}

/* Note that there is no answer, after two intervals and two seconds. */
static void
screen_note_silence (struct top *top)
{
  uint64_t now = clock_ns (), patience = 2 * top->interval_ns;

  if (patience < 2 * SECOND)
    patience = 2 * SECOND;
  if (top->asked_ns && now - top->asked_ns > patience && !top->trouble) {
    top->stale = true;
    top->trouble = must_copy ("the server does not answer");
  }
}

/* Return how long to wait: until the next look, at most a second, because ages
 * are shown.
 */
static struct timespec
screen_patience (const struct top *top)
{
  uint64_t now = clock_ns (), ns = SECOND;

  if (!top->asked_ns && top->next_ns < now + SECOND)
    ns = top->next_ns > now ? top->next_ns - now : 0;
  return (struct timespec) { (time_t) (ns / SECOND), (long) (ns % SECOND) };
}

static void
screen_take_answer (struct top *top)
{
  struct fetched *f;

  if (read (top->pipe[0], &f, sizeof f) == sizeof f) {
    top_adopt (top, f);
    top->asked_ns = 0;
  }
}

/* Wait for a key, an answer, a signal, or the time of the next look. */
static void
screen_wait (struct top *top, const sigset_t *mask)
{
  struct pollfd fds[] = {
    { .fd = STDIN_FILENO, .events = POLLIN },
    { .fd = top->pipe[0], .events = POLLIN },
  };
  struct timespec t = screen_patience (top);

  if (ppoll (fds, 2, &t, mask) < 0)
    return;
  if (fds[1].revents & POLLIN)
    screen_take_answer (top);
  /* The terminal is gone. */
  if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
    top->quit = true;
}

static void
screen_draw (struct top *top, struct grid *g, const char *help)
{
  struct shown shown = top_shown (top);
  int width, height;

  shown.help = top->help ? help : NULL;
  terminal_size (&width, &height);
  draw_screen (g, width, height, &shown);
  terminal_draw (g);
  free (shown.devices);
}

static void
screen_run (struct top *top, const sigset_t *mask)
{
  FREED char *help = top_help ();
  FREED_BY (grid_free) struct grid g;

  grid_init (&g);
  top->next_ns = clock_ns () + top->interval_ns;
  while (!top->quit && !caught) {
    screen_ask (top);
    screen_note_silence (top);
    screen_draw (top, &g, help);
    screen_wait (top, mask);
    top_press (top);
  }
}

int
top_watch (struct top *top)
{
  sigset_t old;

  if (pipe2 (top->pipe, O_CLOEXEC) < 0) {
    fault ("pipe: %s", strerror (errno));
    return failed ();
  }
  screen_hold_signals (&old);
  if (terminal_open () < 0) {
    pthread_sigmask (SIG_SETMASK, &old, NULL);
    return failed ();
  }
  screen_run (top, &old);
  terminal_close ();
  screen_release_signals (&old);
  /* A thread may still be asking, and libraries must not be torn down under
   * it.
   */
  if (top->asked_ns)
    _exit (EXIT_OK);
  close (top->pipe[0]);
  close (top->pipe[1]);
  return EXIT_OK;
}
