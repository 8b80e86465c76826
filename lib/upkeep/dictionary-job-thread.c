/* nbdkit-zram: the thread that sees to the dictionary of new objects.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <time.h>

#include "dictionary-job.h"

/* How often it looks. */
#define TICK_MS 500

static void
job_tick (void *opaque)
{
  struct dictionary_job *job = opaque;

  if (!job->stop)
    dictionary_job_step (job);
}

void
dictionary_job_init (struct dictionary_job *job, const struct parts *parts,
                     bool on)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  *job = (struct dictionary_job) {
    .parts = parts, .on = on, .due_stored = DICTIONARY_STORED,
    .rng = (uint64_t) t.tv_nsec, .says = on ? SAYS_LITTLE : SAYS_OFF,
  };
  idle_init (&job->idle);
  worker_init (&job->worker, "zram-dictionary", TICK_MS, job_tick, job);
}

void
dictionary_job_destroy (struct dictionary_job *job)
{
  worker_destroy (&job->worker);
  idle_destroy (&job->idle);
}

int
dictionary_job_start (struct dictionary_job *job)
{
  job->stop = false;
  return job->on ? worker_start (&job->worker) : 0;
}

void
dictionary_job_stop (struct dictionary_job *job)
{
  job->stop = true;
  idle_hurry (&job->idle);
  worker_stop (&job->worker);
  idle_relax (&job->idle);
}
