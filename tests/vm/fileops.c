/* Random operations on a file, beside an array that tells what it shall hold.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Writes, reads, mapped writes, truncations, holes and syncs, as a seed
 * says.  What is read must be what the array has.  With "verify" the same
 * operations go to the array alone, and then the file is compared with it:
 * so a later mount, or another kernel, can look at what this one wrote.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX (4 << 20)           /* the longest that the file gets */
#define LONG 65536              /* the longest operation */

static unsigned char model[MAX], buffer[LONG];
static size_t size;             /* of the file */
static int fd;
static bool dry;                /* the array alone */
static uint64_t state;

static void __attribute__ ((noreturn))
die (const char *what)
{
  perror (what);
  exit (2);
}

static uint64_t
rnd (uint64_t below)
{
  state = state * 6364136223846793005 + 1442695040888963407;
  return (state >> 33) % below;
}

/* Half of it noise, half of it one byte. */
static void
invent (size_t n)
{
  size_t i, noise = rnd (2) ? n : n / 16;
  unsigned char c = rnd (256);

  for (i = 0; i < n; i++)
    buffer[i] = i < noise ? rnd (256) : c;
}

static void
put (size_t at, size_t n, bool mapped)
{
  long page = sysconf (_SC_PAGESIZE);
  unsigned char *p;
  size_t start;

  invent (n);
  if (mapped && at + n > size)
    n = at < size ? size - at : 0;
  if (n == 0)
    return;
  memcpy (model + at, buffer, n);
  if (at + n > size)
    size = at + n;
  if (dry)
    return;
  if (!mapped) {
    if (pwrite (fd, buffer, n, at) != (ssize_t) n)
      die ("pwrite");
    return;
  }
  start = at / page * page;
  p = mmap (NULL, at + n - start, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
            start);
  if (p == MAP_FAILED)
    die ("mmap");
  memcpy (p + at - start, buffer, n);
  munmap (p, at + n - start);
}

static void
get (size_t at, size_t n, uint64_t operation)
{
  size_t i;

  if (at + n > size)
    n = at < size ? size - at : 0;
  if (dry || n == 0)
    return;
  if (pread (fd, buffer, n, at) != (ssize_t) n)
    die ("pread");
  for (i = 0; i < n; i++) {
    if (buffer[i] != model[at + i]) {
      fprintf (stderr, "fileops: operation %llu: byte %zu is %02x, not %02x\n",
               (unsigned long long) operation, at + i, buffer[i],
               model[at + i]);
      exit (1);
    }
  }
}

static void
cut (size_t length)
{
  if (length < size)
    memset (model + length, 0, size - length);
  size = length;
  if (!dry && ftruncate (fd, length) == -1)
    die ("ftruncate");
}

static void
punch (size_t at, size_t n)
{
  if (at + n > size)
    n = at < size ? size - at : 0;
  if (n == 0)
    return;
  memset (model + at, 0, n);
  if (!dry && fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         at, n) == -1)
    die ("fallocate");
}

static void
operate (uint64_t operation)
{
  uint64_t kind = rnd (20);
  size_t n = 1 + rnd (LONG), at = rnd (MAX - LONG);

  if (kind < 8)
    put (at, n, false);
  else if (kind < 11)
    put (at, n, true);
  else if (kind < 16)
    get (at, n, operation);
  else if (kind < 17)
    cut (rnd (MAX));
  else if (kind < 19)
    punch (at, n);
  else if (!dry && fsync (fd) == -1)
    die ("fsync");
}

/* The whole file beside the array. */
static void
compare (void)
{
  struct stat st;
  size_t at;

  if (fstat (fd, &st) == -1)
    die ("fstat");
  if ((size_t) st.st_size != size) {
    fprintf (stderr, "fileops: the file has %lld bytes, not %zu\n",
             (long long) st.st_size, size);
    exit (1);
  }
  dry = false;
  for (at = 0; at < size; at += LONG)
    get (at, LONG, UINT64_MAX);
}

int
main (int argc, char *argv[])
{
  uint64_t i, operations;

  if (argc < 4 || argc > 5) {
    fprintf (stderr, "fileops FILE SEED OPERATIONS [verify]\n");
    return 2;
  }
  state = strtoull (argv[2], NULL, 10);
  operations = strtoull (argv[3], NULL, 10);
  dry = argc > 4;
  fd = open (argv[1], dry ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd == -1)
    die (argv[1]);
  for (i = 0; i < operations; i++)
    operate (i);
  compare ();
  if (close (fd) == -1)
    die ("close");
  return 0;
}
