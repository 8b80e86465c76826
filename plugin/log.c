/* nbdkit-zram: what the plugin writes to the log.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log-thread.h"
#include "log.h"
#include "quote.h"
#include "rate-limit.h"

#define SECOND UINT64_C (1000000000)

/* What can go wrong with a request; the last row is for anything else.  A full
 * disk is a state and not an event: it is said once, and not again before a
 * minute has gone by without a refused write.
 */
static struct failure {
  int err;
  const char *what;
  struct rate_limit limit;
} failures[] = {
  { ENOSPC, "mem-limit is reached (not said again while it lasts)",
    { .pause = 60 * SECOND, .one_line_a_burst = true } },
  { ENOMEM, "no memory left in the system",
    { .pause = SECOND } },
  { EIO, "the data stored there cannot be decompressed",
    { .pause = SECOND } },
  { 0, "unexpected",
    { .pause = SECOND } },
};

/* Taken only where something has failed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t
log_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

/* Return whether to log an event now.  If so, more is what to say of those
 * of its kind that were not logged, or "".
 */
#define MORE_MAX 64
static bool
log_pass (struct rate_limit *limit, const char *kind, char more[MORE_MAX])
{
  uint64_t held_back = 0;
  bool pass;

  pthread_mutex_lock (&lock);
  pass = rate_limit_pass (limit, log_now (), &held_back);
  pthread_mutex_unlock (&lock);
  more[0] = '\0';
  if (held_back)
    snprintf (more, MORE_MAX, " (and %" PRIu64 " %s since the last line)",
              held_back, kind);
  return pass;
}

void
log_failure (const char *request, uint32_t count, uint64_t offset, int err)
{
  struct failure *f = failures;
  char more[MORE_MAX], line[LOG_THREAD_LINE];

  while (f->err && f->err != err)
    f++;
  if (!log_pass (&f->limit, "like it", more))
    return;
  errno = err;
  snprintf (line, sizeof line, "%s of %" PRIu32 " bytes at %" PRIu64
            ": %s: %m%s", request, count, offset, f->what, more);
  if (!log_thread_say (line))
    log_line (line);
}

void
log_refusal (const char *what, const char *name, const char *why)
{
  static struct rate_limit limit = { .pause = SECOND };
  char text[QUOTE_MAX], because[QUOTE_MAX], more[MORE_MAX];

  if (log_pass (&limit, "refusals", more))
    nbdkit_error ("%s \"%s\": %s%s", what, quote (name, text),
                  quote (why, because), more);
}

void
log_line (const char *line)
{
  nbdkit_error ("%s", line);
}

/* nbdkit_error would be wrong, for the server does start.  nbdkit has no call
 * for warnings, and writes its own as we do here.
 */
void
log_warn_starter (const char *line)
{
  fprintf (stderr, "nbdkit: zram: warning: %s\n", line);
}

/* To the log: a daemon has no standard error any more. */
void
log_warn_reader (const char *line)
{
  nbdkit_error ("warning: %s", line);
}
