/* nbdzramctl: one look at a server, for `top', which must not wait for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A server may be silent for as long as it likes, and a name may take long
 * to be looked up.  So a thread asks, and nothing is shared with it: it has
 * its own copy of the URI, its own fault (fault.c), and hands over what it
 * found through a pipe.
 */

#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "glance.h"
#include "names.h"

struct errand {
  char *uri;
  int fd;
};

uint64_t
clock_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

struct glance *
glance_take (const char *uri)
{
  struct glance *g = must_alloc (1, sizeof *g);

  if (state_load (uri, &g->state) < 0)
    g->trouble = text_escape (fault_text ());
  else
    g->attached = name_attached (uri);
  g->ns = clock_ns ();
  return g;
}

void
glance_free (struct glance *g)
{
  if (!g)
    return;
  free (g->trouble);
  state_free (&g->state);
  attached_free (g->attached);
  free (g);
}

static void *
run (void *opaque)
{
  struct errand *errand = opaque;
  struct glance *g = glance_take (errand->uri);

  /* So few bytes are written at once or not at all. */
  if (write (errand->fd, &g, sizeof g) != sizeof g)
    glance_free (g);
  free (errand->uri);
  free (errand);
  return NULL;
}

int
glance_start (const char *uri, int fd)
{
  struct errand *errand = must_alloc (1, sizeof *errand);
  sigset_t all, old;
  pthread_attr_t attr;
  pthread_t thread;
  int r;

  errand->uri = must_copy (uri);
  errand->fd = fd;
  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  /* Signals are for the screen. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  r = pthread_create (&thread, &attr, run, errand);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  pthread_attr_destroy (&attr);
  if (r == 0)
    return 0;
  free (errand->uri);
  free (errand);
  return fault ("cannot start a thread: %s", strerror (r));
}
