/* Say every second what was swapped so far, however short memory is, so that
 * a machine that stands still can be told from one that is slow.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Locked and of real-time priority, and without a libc call that allocates.
 * When even this falls silent, so does everything else.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char text[16384] = "\n";

static long
counter (const char *key)
{
  const char *p = strstr (text, key);
  long n = 0;

  if (p == NULL)
    return -1;
  for (p += strlen (key); *p >= '0' && *p <= '9'; p++)
    n = n * 10 + *p - '0';
  return n;
}

int
main (void)
{
  static const struct sched_param priority = { .sched_priority = 2 };
  static const struct timespec second = { .tv_sec = 1 };
  char line[160];
  ssize_t n;
  int fd;

  fd = open ("/proc/vmstat", O_RDONLY);
  if (fd == -1 || mlockall (MCL_CURRENT | MCL_FUTURE) == -1 ||
      sched_setscheduler (0, SCHED_FIFO, &priority) == -1) {
    perror ("vmwatch");
    return 1;
  }
  for (;;) {
    n = pread (fd, text + 1, sizeof text - 2, 0);
    text[n > 0 ? n + 1 : 1] = '\0';
    n = snprintf (line, sizeof line,
                  "watch: swapped in %ld out %ld free %ld direct %ld\n",
                  counter ("\npswpin "), counter ("\npswpout "),
                  counter ("\nnr_free_pages "),
                  counter ("\npgscan_direct "));
    if (write (STDOUT_FILENO, line, n) != n)
      return 1;
    nanosleep (&second, NULL);
  }
}
