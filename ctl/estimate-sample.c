/* nbdzramctl: some of the data of a file or of a process's memory.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A file is gone through twice: to count what is no hole, and to read some
 * of that, evenly spread.  Nothing is remembered in between, because a file
 * can be as large as it likes.  Of a process, which is another one at the
 * second look, the runs of pages are listed, and thinned out if they become
 * too many.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "estimate-sample.h"
#include "message.h"
#include "must.h"
#include "number-text.h"

#define PAGE 4096
/* Larger mappings are reservations of address space: it would take too long to
 * look at each of their pages.
 */
#define MAPPING_MAX (UINT64_C (1) << 40)

/* --- Reading ------------------------------------------------------------ */

static int
sample_new (struct sample *s, uint64_t bytes)
{
  s->length = 0;
  s->data = MAP_FAILED;
  if (bytes <= SIZE_MAX - 2 * SAMPLE_RUN) {
    s->room = (size_t) bytes + 2 * SAMPLE_RUN;
    s->data = mmap (NULL, s->room, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (s->data != MAP_FAILED)
    return 0;
  s->data = NULL;
  return fault ("no memory for a sample of %" PRIu64 " bytes; --sample"
                " takes a smaller one", bytes);
}

/* Read at most SAMPLE_RUN bytes more, as many as can be read. */
static void
sample_read (struct sample *s, int fd, uint64_t at, uint32_t length)
{
  uint32_t done = 0;

  while (done < length) {
    ssize_t n = pread (fd, s->data + s->length + done, length - done,
                       (off_t) (at + done));

    if (n <= 0)
      break;
    done += (uint32_t) n;
  }
  s->length += done;
}

static int
sample_end (struct sample *s)
{
  if (!s->length) {
    sample_free (s);
    return fault ("nothing could be read: %s",
                  errno ? strerror (errno) : "it is empty");
  }
  s->length = (s->length + PAGE - 1) / PAGE * PAGE;
  return 0;
}

void
sample_free (struct sample *s)
{
  if (s->data)
    munmap (s->data, s->room);
  s->data = NULL;
}

/* --- A file ------------------------------------------------------------- */

/* A file is divided into units of SAMPLE_RUN bytes, each of which has some
 * data or is a hole.  This is a stretch of units [from, to) with data.
 */
struct stretch {
  uint64_t from, to;
};

/* Find the next stretch after s->to.  False: there is none.  Where holes
 * cannot be found, as in a block device, all of it is data.
 */
static bool
stretch_next (int fd, uint64_t size, struct stretch *s)
{
  uint64_t start = s->to * SAMPLE_RUN, units;
  off_t from, to;

  units = size / SAMPLE_RUN + (size % SAMPLE_RUN != 0);
  if (start >= size)
    return false;
  from = lseek (fd, (off_t) start, SEEK_DATA);
  if (from < 0 && errno == ENXIO)
    return false;
  to = from < 0 ? -1 : lseek (fd, from, SEEK_HOLE);
  s->from = from < 0 ? s->to : (uint64_t) from / SAMPLE_RUN;
  s->to = to < 0 || (uint64_t) to >= size
    ? units : ((uint64_t) to + SAMPLE_RUN - 1) / SAMPLE_RUN;
  /* Make progress even if the file changes meanwhile. */
  if (s->to <= s->from)
    s->to = s->from + 1;
  return s->from < units;
}

/* Count the data, in units and in bytes. */
static uint64_t
stretch_count (int fd, uint64_t size, uint64_t *bytes)
{
  struct stretch s = { 0, 0 };
  uint64_t units = 0;

  *bytes = 0;
  while (stretch_next (fd, size, &s)) {
    units += s.to - s.from;
    *bytes += (s.to > size / SAMPLE_RUN ? size : s.to * SAMPLE_RUN) -
              s.from * SAMPLE_RUN;
  }
  return units;
}

/* Read some of all units, evenly spread: of those that are read the i-th has
 * the number i * units / wanted.
 */
static void
sample_read_units (int fd, uint64_t size, uint64_t units, uint64_t wanted,
                   struct sample *sample)
{
  struct stretch s = { 0, 0 };
  uint64_t before = 0, i = 0, n, at;

  while (i < wanted && stretch_next (fd, size, &s)) {
    for (; i < wanted; i++) {
      n = (uint64_t) ((__uint128_t) i * units / wanted);
      if (n - before >= s.to - s.from)
        break;
      at = (s.from + n - before) * SAMPLE_RUN;
      sample_read (sample, fd, at, size - at < SAMPLE_RUN
                   ? (uint32_t) (size - at) : SAMPLE_RUN);
    }
    before += s.to - s.from;
  }
}

static int
sample_read_file (int fd, uint64_t size, uint64_t max, struct sample *s)
{
  uint64_t units, wanted;

  s->whole = size;
  units = stretch_count (fd, size, &s->data_bytes);
  wanted = max / SAMPLE_RUN + (max % SAMPLE_RUN != 0);
  if (wanted > units)
    wanted = units;
  if (sample_new (s, wanted * SAMPLE_RUN) < 0)
    return -1;
  errno = 0;
  sample_read_units (fd, size, units, wanted, s);
  /* The file has nothing but holes: take a page of zeroes for it. */
  if (units == 0)
    s->length = PAGE;
  return sample_end (s);
}

int
sample_file (const char *path, uint64_t max, struct sample *s)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC), r;
  off_t size = fd >= 0 ? lseek (fd, 0, SEEK_END) : -1;
  struct stat st;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISDIR (st.st_mode))
    r = fault ("%s: %s", path, strerror (EISDIR));
  else if (size < 0)
    r = fault ("%s: %s", path, errno == ESPIPE
               ? "a pipe; save it to a file first" : strerror (errno));
  else if (size == 0)
    r = fault ("%s: it is empty", path);
  else
    r = sample_read_file (fd, (uint64_t) size, max, s);
  if (fd >= 0)
    close (fd);
  return r;
}

/* --- A process ---------------------------------------------------------- */

struct run {
  uint64_t at;
  uint32_t length;
};

/* 16 MiB.  If there are more, the list has only every second run, then every
 * fourth, and so on.
 */
#ifndef RUNS_MAX
#define RUNS_MAX (1 << 20)
#endif

struct runs {
  struct run *run;              /* NULL, or of RUNS_MAX */
  size_t n;
  uint64_t listed, bytes;       /* of those in the list, of all */
  uint64_t seen, stride;        /* runs; every stride-th is listed */
};

static void
runs_thin (struct runs *runs)
{
  size_t i;

  runs->listed = 0;
  for (i = 0; i < runs->n / 2; i++) {
    runs->run[i] = runs->run[2 * i];
    runs->listed += runs->run[i].length;
  }
  runs->n /= 2;
  runs->stride *= 2;
}

static void
runs_add (struct runs *runs, uint64_t at, uint32_t length)
{
  runs->bytes += length;
  if (runs->seen++ % runs->stride)
    return;
  if (!runs->run)
    runs->run = must_alloc (RUNS_MAX, sizeof *runs->run);
  runs->run[runs->n++] = (struct run) { at, length };
  runs->listed += length;
  if (runs->n == RUNS_MAX)
    runs_thin (runs);
}

/* Read as many runs as fit, evenly spread: a run is taken whenever less than
 * its share of the sample was taken so far.
 */
static int
sample_read_runs (int fd, const struct runs *runs, uint64_t max,
                  struct sample *s)
{
  uint64_t want = runs->listed < max ? runs->listed : max, seen = 0;
  size_t i;

  s->whole = s->data_bytes = runs->bytes;
  if (sample_new (s, want) < 0)
    return -1;
  errno = 0;
  for (i = 0; i < runs->n && s->length < want; i++) {
    if ((__uint128_t) s->length * runs->listed <= (__uint128_t) want * seen)
      sample_read (s, fd, runs->run[i].at, runs->run[i].length);
    seen += runs->run[i].length;
  }
  return sample_end (s);
}

/* Say whether an entry of pagemap is of a page that is present and not of a
 * file.
 */
static bool
runs_is_anonymous (uint64_t entry)
{
  return entry >> 63 && !(entry >> 61 & 1);
}

/* End the run that is being put together. */
static void
runs_end (struct runs *runs, struct run *open)
{
  if (open->length)
    runs_add (runs, open->at, open->length);
  open->length = 0;
}

/* Add a page to the run that ends where it begins. */
static void
runs_extend (struct runs *runs, struct run *open, uint64_t at, uint64_t page)
{
  if (!open->length)
    open->at = at;
  open->length += (uint32_t) page;
  if (open->length >= SAMPLE_RUN)
    runs_end (runs, open);
}

/* List the runs of anonymous pages between two addresses. */
static void
runs_of_mapping (int pagemap, uint64_t from, uint64_t to, uint64_t page,
                 struct runs *runs)
{
  uint64_t entries[512], at = from;
  struct run open = { 0, 0 };

  while (at < to) {
    uint64_t n = (to - at) / page < 512 ? (to - at) / page : 512, i;
    ssize_t got = pread (pagemap, entries, (size_t) n * 8,
                         (off_t) (at / page * 8));

    if (got < 8)
      break;
    for (i = 0; i < (uint64_t) got / 8; i++, at += page) {
      if (runs_is_anonymous (entries[i]))
        runs_extend (runs, &open, at, page);
      else
        runs_end (runs, &open);
    }
  }
  runs_end (runs, &open);
}

static int
runs_of_process (FILE *maps, int pagemap, struct runs *runs)
{
  uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE), from, to;
  char *line = NULL, perms[8];
  size_t room = 0;

  while (getline (&line, &room, maps) > 0) {
    if (sscanf (line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to,
                perms) == 3 &&
        strlen (perms) == 4 && perms[3] == 'p' && to > from &&
        to - from <= MAPPING_MAX && !strstr (line, "[v"))
      runs_of_mapping (pagemap, from, to, page, runs);
  }
  free (line);
  return runs->n ? 0 : fault ("it has no anonymous memory");
}

static int
sample_open_proc (const char *pid, const char *name)
{
  FREED char *path = must_printf ("/proc/%s/%s", pid, name);
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 && errno == ENOENT)
    fault ("--pid %s: there is no such process", pid);
  else if (fd < 0)
    fault ("%s: %s; only root and who may trace the process can look at"
           " its memory", path, strerror (errno));
  return fd;
}

int
sample_process (const char *pid, uint64_t max, struct sample *s)
{
  struct runs runs = { .stride = 1 };
  int maps_fd = -1, pagemap = -1, mem = -1, r = -1;
  FILE *maps = NULL;

  if (!text_is_digits (pid))
    return fault ("--pid %s: not the number of a process", pid);
  if ((maps_fd = sample_open_proc (pid, "maps")) >= 0 &&
      (mem = sample_open_proc (pid, "mem")) >= 0 &&
      (pagemap = sample_open_proc (pid, "pagemap")) >= 0 &&
      (maps = fdopen (maps_fd, "r")) != NULL) {
    r = runs_of_process (maps, pagemap, &runs);
    if (r == 0)
      r = sample_read_runs (mem, &runs, max, s);
  }
  if (maps)
    fclose (maps);
  else if (maps_fd >= 0)
    close (maps_fd);
  if (pagemap >= 0)
    close (pagemap);
  if (mem >= 0)
    close (mem);
  free (runs.run);
  return r;
}
