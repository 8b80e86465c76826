/* nbdkit-zram: long work that only gets what time is left over.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It runs in a thread of its own, of the lowest class there is (SCHED_IDLE),
 * while the caller waits.  It must take no lock that others want: on a busy
 * machine they would wait for it as long as it waits for a processor.
 */

#ifndef ZRAM_IDLE_H
#define ZRAM_IDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct idle {
  pthread_mutex_t lock;         /* for the three below */
  pthread_t thread;
  bool running, hurried;
  uint64_t cpu;                 /* ns of processor time that work has taken */
};

extern void idle_init (struct idle *idle);
extern void idle_destroy (struct idle *idle);

/* Do the work and wait for it.  Where there is no thread to be had it is done
 * by the caller.
 */
extern void idle_run (struct idle *idle, void (*work) (void *), void *opaque);

/* Somebody waits for the end of what runs: it gets time like others from now
 * on, if the system lets it (CAP_SYS_NICE or RLIMIT_NICE), and so does what
 * idle_run is called for later, until idle_relax.
 */
extern void idle_hurry (struct idle *idle);
extern void idle_relax (struct idle *idle);

#endif /* ZRAM_IDLE_H */
