/* nbdkit-zram: a thread that works now and then, until it is stopped.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It wakes up every so many milliseconds, or when it is told to, and does
 * its work.  Times are those of the monotonic clock: somebody who sets the
 * clock back neither stops it nor makes it wait.
 */

#ifndef ZRAM_WORKER_H
#define ZRAM_WORKER_H

#include <pthread.h>
#include <stdbool.h>

struct worker {
  pthread_t thread;
  pthread_mutex_t lock;         /* for the four below */
  pthread_cond_t wake;
  bool running, stop, told;
  const char *name;             /* at most 15 characters, for ps */
  unsigned every_ms;            /* 0: only when it is told to */
  void (*begin) (void);         /* what the thread does first, or NULL */
  void (*work) (void *opaque);
  void *opaque;
};

/* A condition whose pthread_cond_timedwait goes by the monotonic clock,
 * and a time so many milliseconds from now for it.
 */
extern void cond_init_monotonic (pthread_cond_t *cond);
extern struct timespec monotonic_in (unsigned ms);

/* Before start; undone by destroy.  begin may be set in between. */
extern void worker_init (struct worker *w, const char *name,
                         unsigned every_ms, void (*work) (void *),
                         void *opaque);
extern void worker_destroy (struct worker *w);

/* 0 or -errno. */
extern int worker_start (struct worker *w);

/* Wake it up: it works once more after this, though it be stopped. */
extern void worker_tell (struct worker *w);

/* Is it to stop?  For work that has no end of its own. */
extern bool worker_stops (struct worker *w);

/* Waits for what it does, or was told; allowed if it was never started. */
extern void worker_stop (struct worker *w);

#endif /* ZRAM_WORKER_H */
