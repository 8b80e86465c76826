/* nbdkit-zram: lines for the log that another thread writes.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "later.h"

#define LINES 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static bool running, stop;
static char lines[LINES][LATER_LINE];
static unsigned first, waiting, dropped;

static void *
write_lines (void *arg)
{
  char line[LATER_LINE];

  (void) arg;
  pthread_mutex_lock (&lock);
  while (waiting || !stop) {
    if (!waiting) {
      pthread_cond_wait (&changed, &lock);
      continue;
    }
    memcpy (line, lines[first], LATER_LINE);
    first = (first + 1) % LINES;
    waiting--;
    pthread_mutex_unlock (&lock);
    nbdkit_error ("%s", line);
    pthread_mutex_lock (&lock);
  }
  pthread_mutex_unlock (&lock);
  return NULL;
}

/* Signals are for the server's own threads. */
int
later_start (void)
{
  sigset_t all, old;
  int r;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  r = pthread_create (&thread, NULL, write_lines, NULL);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  running = r == 0;
  if (running)
    pthread_setname_np (thread, "zram-log");
  return -r;
}

void
later_stop (void)
{
  if (!running)
    return;
  pthread_mutex_lock (&lock);
  stop = true;
  pthread_cond_signal (&changed);
  pthread_mutex_unlock (&lock);
  pthread_join (thread, NULL);
  pthread_mutex_lock (&lock);
  running = stop = false;
  pthread_mutex_unlock (&lock);
}

/* Under the lock. */
static void
add (const char *line)
{
  char *to = lines[(first + waiting) % LINES];

  if (waiting == LINES) {
    dropped++;
    return;
  }
  if (dropped)
    snprintf (to, LATER_LINE, "%s (and %u lines lost before)", line, dropped);
  else
    snprintf (to, LATER_LINE, "%s", line);
  dropped = 0;
  waiting++;
  pthread_cond_signal (&changed);
}

bool
later_say (const char *line)
{
  bool later;

  pthread_mutex_lock (&lock);
  later = running && !stop;
  if (later)
    add (line);
  pthread_mutex_unlock (&lock);
  return later;
}
