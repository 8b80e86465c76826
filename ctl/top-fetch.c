/* nbdzramctl: one look at a server, for `top', which must not wait for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A server may be silent for as long as it likes, and a name may take long
 * to be looked up.  So a thread asks, and nothing is shared with it: it has
 * its own copy of the URI, its own fault (message.c), and hands over what it
 * found through a pipe.
 */

#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "message.h"
#include "must.h"
#include "timeout.h"
#include "top-fetch.h"

struct errand {
  char *uri;
  int fd;
};

struct fetched *
fetch_now (const char *uri)
{
  struct fetched *f = must_alloc (1, sizeof *f);

  if (server_load (uri, &f->server) < 0)
    f->trouble = text_escape (fault_text ());
  else
    f->attached = attached_load (uri);
  f->ns = clock_ns ();
  return f;
}

void
fetched_free (struct fetched *f)
{
  if (!f)
    return;
  free (f->trouble);
  server_free (&f->server);
  attached_free (f->attached);
  free (f);
}

static void
errand_free (struct errand *errand)
{
  free (errand->uri);
  free (errand);
}

static void *
fetch_run (void *opaque)
{
  struct errand *errand = opaque;
  struct fetched *f = fetch_now (errand->uri);

  /* So few bytes are written at once, or not at all. */
  if (write (errand->fd, &f, sizeof f) != sizeof f)
    fetched_free (f);
  errand_free (errand);
  return NULL;
}

/* Begin a thread that ends by itself.  Return an errno, or 0. */
static int
fetch_begin (struct errand *errand)
{
  sigset_t all, old;
  pthread_attr_t attr;
  pthread_t thread;
  int r;

  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  /* Signals are for the thread of the screen. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  r = pthread_create (&thread, &attr, fetch_run, errand);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  pthread_attr_destroy (&attr);
  return r;
}

int
fetch_start (const char *uri, int fd)
{
  struct errand *errand = must_alloc (1, sizeof *errand);
  int r;

  *errand = (struct errand) { must_copy (uri), fd };
  r = fetch_begin (errand);
  if (r == 0)
    return 0;
  errand_free (errand);
  return fault ("cannot start a thread: %s", strerror (r));
}
