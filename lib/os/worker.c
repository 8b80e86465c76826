/* nbdkit-zram: a thread that works now and then, until it is stopped.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <signal.h>
#include <time.h>

#include "worker.h"

void
cond_init_monotonic (pthread_cond_t *cond)
{
  pthread_condattr_t attr;

  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attr);
  pthread_condattr_destroy (&attr);
}

struct timespec
monotonic_in (unsigned ms)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  t.tv_sec += ms / 1000;
  t.tv_nsec += ms % 1000 * 1000000L;
  if (t.tv_nsec >= 1000000000L) {
    t.tv_nsec -= 1000000000L;
    t.tv_sec++;
  }
  return t;
}

void
worker_init (struct worker *w, const char *name, unsigned every_ms,
             void (*work) (void *), void *opaque)
{
  *w = (struct worker) {
    .name = name, .every_ms = every_ms, .work = work, .opaque = opaque,
  };
  pthread_mutex_init (&w->lock, NULL);
  cond_init_monotonic (&w->wake);
}

void
worker_destroy (struct worker *w)
{
  pthread_mutex_destroy (&w->lock);
  pthread_cond_destroy (&w->wake);
}

/* Wait for the next time.  False: stop. */
static bool
worker_wait (struct worker *w)
{
  struct timespec until = monotonic_in (w->every_ms);
  bool go_on;
  int r = 0;

  pthread_mutex_lock (&w->lock);
  while (!w->stop && !w->told && r == 0)
    r = w->every_ms ? pthread_cond_timedwait (&w->wake, &w->lock, &until)
      : pthread_cond_wait (&w->wake, &w->lock);
  go_on = !w->stop || w->told;
  w->told = false;
  pthread_mutex_unlock (&w->lock);
  return go_on;
}

static void *
worker_thread (void *arg)
{
  struct worker *w = arg;

  if (w->begin)
    w->begin ();
  while (worker_wait (w))
    w->work (w->opaque);
  return NULL;
}

/* Signals are for the server's own threads. */
int
worker_start (struct worker *w)
{
  sigset_t all, old;
  int r;

  w->stop = w->told = false;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  r = pthread_create (&w->thread, NULL, worker_thread, w);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  w->running = r == 0;
  if (w->running)
    pthread_setname_np (w->thread, w->name);
  return -r;
}

void
worker_tell (struct worker *w)
{
  pthread_mutex_lock (&w->lock);
  w->told = true;
  pthread_cond_signal (&w->wake);
  pthread_mutex_unlock (&w->lock);
}

bool
worker_stops (struct worker *w)
{
  bool stop;

  pthread_mutex_lock (&w->lock);
  stop = w->stop;
  pthread_mutex_unlock (&w->lock);
  return stop;
}

bool
worker_sleep (struct worker *w, unsigned ms)
{
  struct timespec until = monotonic_in (ms);
  bool stop;
  int r = 0;

  pthread_mutex_lock (&w->lock);
  while (!w->stop && r == 0)
    r = pthread_cond_timedwait (&w->wake, &w->lock, &until);
  stop = w->stop;
  pthread_mutex_unlock (&w->lock);
  return !stop;
}

void
worker_hurry (struct worker *w)
{
  const struct sched_param none = { 0 };
  struct sched_param now;
  int policy;

  if (w->running && pthread_getschedparam (w->thread, &policy, &now) == 0 &&
      policy == SCHED_IDLE)
    pthread_setschedparam (w->thread, SCHED_OTHER, &none);
}

void
worker_stop (struct worker *w)
{
  if (!w->running)
    return;
  pthread_mutex_lock (&w->lock);
  w->stop = true;
  pthread_cond_signal (&w->wake);
  pthread_mutex_unlock (&w->lock);
  pthread_join (w->thread, NULL);
  w->running = false;
}
