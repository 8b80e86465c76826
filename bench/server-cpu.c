/* nbdkit-zram: the CPU time that a server has used.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * From the scheduler's own account of each thread, in nanoseconds: the
 * times in /proc/PID/stat come in hundredths of a second.  What threads
 * used that have ended is lost, so the caller reads it twice while its
 * connections are open.
 */

#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "server-cpu.h"
#include "support.h"

static uint64_t
server_thread_cpu (pid_t pid, const char *thread)
{
  char name[64];
  uint64_t ns = 0;
  FILE *f;

  snprintf (name, sizeof name, "/proc/%d/task/%.20s/schedstat", (int) pid,
            thread);
  f = fopen (name, "r");
  /* The thread may have ended since it was listed. */
  if (!f)
    return 0;
  if (fscanf (f, "%" SCNu64, &ns) != 1)
    die ("%s: the kernel keeps no account of this", name);
  fclose (f);
  return ns;
}

static uint64_t
server_children_cpu (pid_t pid, const char *thread)
{
  char name[64];
  uint64_t ns = 0;
  int child;
  FILE *f;

  snprintf (name, sizeof name, "/proc/%d/task/%.20s/children", (int) pid,
            thread);
  f = fopen (name, "r");
  if (!f)
    return 0;
  while (fscanf (f, "%d", &child) == 1)
    ns += server_cpu (child);
  fclose (f);
  return ns;
}

uint64_t
server_cpu (pid_t pid)
{
  char name[64];
  uint64_t ns = 0;
  struct dirent *d;
  DIR *dir;

  snprintf (name, sizeof name, "/proc/%d/task", (int) pid);
  dir = opendir (name);
  if (!dir)
    die ("there is no process %d", (int) pid);
  while ((d = readdir (dir)) != NULL)
    if (d->d_name[0] != '.')
      ns += server_thread_cpu (pid, d->d_name) +
            server_children_cpu (pid, d->d_name);
  closedir (dir);
  return ns;
}
