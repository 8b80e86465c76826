/* nbdkit-zram: what the programs here share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

void
die (const char *format, ...)
{
  va_list args;

  fprintf (stderr, "%s: ", program_invocation_short_name);
  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
  exit (EXIT_FAILURE);
}

void *
allocate (size_t n, size_t size)
{
  void *p = calloc (n, size);

  if (!p)
    die ("no memory");
  return p;
}

const char *
map_file (const char *path, uint64_t *size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  void *p;

  if (fd == -1 || fstat (fd, &st) == -1)
    die ("%s: %s", path, strerror (errno));
  p = mmap (NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
            fd, 0);
  if (p == MAP_FAILED)
    die ("%s: %s", path, strerror (errno));
  close (fd);
  *size = (uint64_t) st.st_size;
  return p;
}

static uint64_t
clock_read (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

uint64_t
now (void)
{
  return clock_read (CLOCK_MONOTONIC);
}

uint64_t
thread_cpu (void)
{
  return clock_read (CLOCK_THREAD_CPUTIME_ID);
}

uint64_t
random_below (uint64_t *state, uint64_t n)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (uint64_t) (((unsigned __int128) *state * n) >> 64);
}
