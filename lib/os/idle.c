/* nbdkit-zram: long work that only gets what time is left over.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "idle.h"

static const struct sched_param no_priority = { 0 };

void
idle_init (struct idle *idle)
{
  *idle = (struct idle) { .running = false };
  pthread_mutex_init (&idle->lock, NULL);
}

void
idle_destroy (struct idle *idle)
{
  pthread_mutex_destroy (&idle->lock);
}

struct idle_work {
  struct idle *idle;
  void (*work) (void *);
  void *opaque;
};

/* Whoever hurries finds the thread in its class, or makes it leave that. */
static void *
idle_thread (void *arg)
{
  const struct idle_work *w = arg;
  struct timespec t;

  pthread_mutex_lock (&w->idle->lock);
  if (!w->idle->hurried)
    pthread_setschedparam (pthread_self (), SCHED_IDLE, &no_priority);
  pthread_mutex_unlock (&w->idle->lock);
  w->work (w->opaque);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  w->idle->cpu += (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
  return NULL;
}

/* Signals are for the server's own threads. */
static bool
idle_start (struct idle *idle, struct idle_work *w)
{
  sigset_t all, old;
  int r;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  pthread_mutex_lock (&idle->lock);
  r = pthread_create (&idle->thread, NULL, idle_thread, w);
  idle->running = r == 0;
  pthread_mutex_unlock (&idle->lock);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return r == 0;
}

void
idle_run (struct idle *idle, void (*work) (void *), void *opaque)
{
  struct idle_work w = { idle, work, opaque };

  if (!idle_start (idle, &w)) {
    work (opaque);
    return;
  }
  pthread_setname_np (idle->thread, "zram-idle");
  pthread_join (idle->thread, NULL);
  pthread_mutex_lock (&idle->lock);
  idle->running = false;
  pthread_mutex_unlock (&idle->lock);
}

void
idle_hurry (struct idle *idle)
{
  pthread_mutex_lock (&idle->lock);
  idle->hurried = true;
  if (idle->running)
    pthread_setschedparam (idle->thread, SCHED_OTHER, &no_priority);
  pthread_mutex_unlock (&idle->lock);
}

void
idle_relax (struct idle *idle)
{
  pthread_mutex_lock (&idle->lock);
  idle->hurried = false;
  pthread_mutex_unlock (&idle->lock);
}
