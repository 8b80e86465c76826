/* nbdkit-zram: a thread that works now and then, until it is stopped.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It wakes up at regular intervals, or when it is told to, and does its work.
 * Times are those of the monotonic clock, so setting the clock back neither
 * stops it nor makes it wait.
 */

#ifndef ZRAM_WORKER_H
#define ZRAM_WORKER_H

#include <pthread.h>
#include <stdbool.h>

struct worker {
  pthread_t thread;
  pthread_mutex_t lock;         /* of the four fields below */
  pthread_cond_t wake;
  bool running, stop, told;
  const char *name;             /* at most 15 characters, for ps */
  unsigned every_ms;            /* interval; 0: only when it is told to */
  void (*begin) (void);         /* called first in the thread, or NULL */
  void (*work) (void *opaque);
  void *opaque;
};

/* Initialise a condition whose pthread_cond_timedwait goes by the monotonic
 * clock.  monotonic_in returns a time for it, ms milliseconds from now.
 */
extern void cond_init_monotonic (pthread_cond_t *cond);
extern struct timespec monotonic_in (unsigned ms);

/* Initialise a worker that is not running yet.  The caller may then set
 * `begin', and calls worker_destroy in the end.
 */
extern void worker_init (struct worker *w, const char *name,
                         unsigned every_ms, void (*work) (void *),
                         void *opaque);
extern void worker_destroy (struct worker *w);

/* Start the thread.  0 or -errno. */
extern int worker_start (struct worker *w);

/* Wake the thread.  It works at least once after this call, even if it is
 * stopped meanwhile.
 */
extern void worker_tell (struct worker *w);

/* Return whether the worker should stop: for work that can take long. */
extern bool worker_stops (struct worker *w);

/* Sleep, in the middle of its work.  Return false, at once, if the worker
 * should stop.
 */
extern bool worker_sleep (struct worker *w, unsigned ms);

/* Let the thread, if it runs in the background, have time like others: somebody
 * is about to wait for its end.
 */
extern void worker_hurry (struct worker *w);

/* Stop the thread, after the work that it does or was told to do.  Allowed if
 * it was never started.
 */
extern void worker_stop (struct worker *w);

#endif /* ZRAM_WORKER_H */
