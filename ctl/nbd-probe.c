/* nbdzramctl: does an nbd device answer on all of its connections?
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel's nbd receives on each connection in a work item that ends when
 * the connection does.  Where threads cannot be made in time, because the
 * machine is busy, the workqueue's rescuer takes all items that wait and
 * begins with the first, and so the others are never begun: whatever is
 * asked on their connections waits until it is given up 30 s later, and a
 * whole connection with it.  Seen with Linux 6.1 and two connections on, at
 * one try out of four with four programs in endless loops on two processors.
 * It is so from the beginning or not at all, and once the threads are there
 * the next try is better.
 *
 * Requests go to connections by the processor that they come from.  So a
 * process reads on each; another than ours, because whoever waits for a
 * request can do nothing else, not even end.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "message.h"
#include "nbd-probe.h"

#define PATIENCE_MS 3000
#define STEP_MS 20

enum { READ_ALL, NOT_READ };

/* Bypass the cache, if the file can do without. */
static int
probe_open (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECT | O_CLOEXEC);

  return fd == -1 && errno == EINVAL ? open (path, O_RDONLY | O_CLOEXEC) : fd;
}

static int
probe_read (const char *path, size_t bytes)
{
  static char block[4096] __attribute__ ((aligned (4096)));
  long n = sysconf (_SC_NPROCESSORS_CONF), cpu;
  int fd = probe_open (path);
  cpu_set_t *one = CPU_ALLOC (n);
  size_t size = CPU_ALLOC_SIZE (n);

  if (fd == -1 || !one)
    return NOT_READ;
  for (cpu = 0; cpu < n; cpu++) {
    CPU_ZERO_S (size, one);
    CPU_SET_S (cpu, size, one);
    /* Skip processors that are off or not for us. */
    if (sched_setaffinity (0, size, one) == 0 &&
        pread (fd, block, bytes, 0) != (ssize_t) bytes)
      return NOT_READ;
  }
  return READ_ALL;
}

int
probe_begin (struct probe *p, const char *path, size_t bytes)
{
  p->path = path;
  p->pid = fork ();
  if (p->pid == 0) {
    setpgid (0, 0);             /* Ctrl-C is for the tool */
    _exit (probe_read (path, bytes));
  }
  return p->pid == -1 ? fault ("fork: %s", strerror (errno)) : 0;
}

int
probe_wait (struct probe *p)
{
  int ms, status;
  pid_t r;

  for (ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
    r = waitpid (p->pid, &status, WNOHANG);
    if (r != 0) {
      p->pid = -1;
      return r > 0 && WIFEXITED (status) && WEXITSTATUS (status) == READ_ALL
        ? 0 : fault ("%s was attached, but could not be read", p->path);
    }
    if (interrupt_pause (STEP_MS) < 0)
      return -1;
  }
  return 1;
}

void
probe_end (struct probe *p)
{
  const struct timespec step = { 0, STEP_MS * 1000000L };
  int ms;

  if (p->pid == -1)
    return;
  kill (p->pid, SIGKILL);
  for (ms = 0; ms < PATIENCE_MS && waitpid (p->pid, NULL, WNOHANG) == 0;
       ms += STEP_MS)
    nanosleep (&step, NULL);
  p->pid = -1;
}
