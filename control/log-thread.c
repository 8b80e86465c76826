/* nbdkit-zram: lines for the log that another thread writes.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "log-thread.h"
#include "worker.h"

#define LINES 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker worker;
static log_thread_fn *write_line;
static bool is_open;            /* to new lines */
static char lines[LINES][LOG_THREAD_LINE];
static unsigned first, waiting, dropped;

static bool
log_thread_take (char line[LOG_THREAD_LINE])
{
  bool any;

  pthread_mutex_lock (&lock);
  any = waiting > 0;
  if (any) {
    memcpy (line, lines[first], LOG_THREAD_LINE);
    first = (first + 1) % LINES;
    waiting--;
  }
  pthread_mutex_unlock (&lock);
  return any;
}

static void
log_thread_write (void *opaque)
{
  char line[LOG_THREAD_LINE];

  (void) opaque;
  while (log_thread_take (line))
    write_line (line);
}

static void
log_thread_open (bool to)
{
  pthread_mutex_lock (&lock);
  is_open = to;
  pthread_mutex_unlock (&lock);
}

int
log_thread_start (log_thread_fn *write)
{
  int r;

  write_line = write;
  worker_init (&worker, "zram-log", 0, log_thread_write, NULL);
  r = worker_start (&worker);
  if (r < 0)
    worker_destroy (&worker);
  else
    log_thread_open (true);
  return r;
}

void
log_thread_stop (void)
{
  if (!worker.running)
    return;
  log_thread_open (false);
  worker_stop (&worker);
  worker_destroy (&worker);
}

/* Add a line to those that wait.  Under the lock. */
static void
log_thread_add (const char *line)
{
  char *to = lines[(first + waiting) % LINES];

  if (waiting == LINES) {
    dropped++;
    return;
  }
  if (dropped)
    snprintf (to, LOG_THREAD_LINE, "%s (and %u lines lost before)", line,
              dropped);
  else
    snprintf (to, LOG_THREAD_LINE, "%s", line);
  dropped = 0;
  waiting++;
  worker_tell (&worker);
}

bool
log_thread_say (const char *line)
{
  bool later;

  pthread_mutex_lock (&lock);
  later = is_open;
  if (later)
    log_thread_add (line);
  pthread_mutex_unlock (&lock);
  return later;
}
