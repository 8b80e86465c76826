/* nbdzramctl: some of the data of a file or of a process's memory.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * First a list of the runs that there are, then as many of them are read
 * as are wanted.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "sample.h"

#define PAGE 4096
/* Reservations of address space; to look at each page would take ages. */
#define MAPPING_MAX (UINT64_C (1) << 40)

struct run {
  uint64_t at;
  uint32_t length;
};

struct runs {
  struct run *run;
  size_t n, room;
  uint64_t bytes;
};

static void
runs_add (struct runs *runs, uint64_t at, uint32_t length)
{
  if (runs->n == runs->room) {
    size_t room = runs->room ? runs->room * 2 : 1024;
    struct run *more = must_alloc (room, sizeof *more);

    if (runs->n)
      memcpy (more, runs->run, runs->n * sizeof *more);
    free (runs->run);
    runs->run = more;
    runs->room = room;
  }
  runs->run[runs->n++] = (struct run) { at, length };
  runs->bytes += length;
}

/* --- Reading ------------------------------------------------------------ */

static uint32_t
read_run (int fd, const struct run *run, unsigned char *to)
{
  uint32_t done = 0;

  while (done < run->length) {
    ssize_t n = pread (fd, to + done, run->length - done,
                       (off_t) (run->at + done));

    if (n <= 0)
      break;
    done += (uint32_t) n;
  }
  return done;
}

/* As many runs as fit, evenly spread: one is taken whenever less than its
 * share of the sample was taken so far.
 */
static int
read_sample (int fd, const struct runs *runs, uint64_t max,
             struct sample *s)
{
  uint64_t want = runs->bytes < max ? runs->bytes : max, seen = 0;
  size_t i;

  s->whole = runs->bytes;
  s->length = 0;
  s->room = (size_t) want + 2 * SAMPLE_RUN;
  s->data = mmap (NULL, s->room, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->data == MAP_FAILED) {
    s->data = NULL;
    return fault ("no memory for a sample of %" PRIu64 " bytes; --sample"
                  " takes a smaller one", want);
  }
  for (i = 0; i < runs->n && s->length < want; i++) {
    if ((__uint128_t) s->length * runs->bytes <= (__uint128_t) want * seen)
      s->length += read_run (fd, &runs->run[i], s->data + s->length);
    seen += runs->run[i].length;
  }
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

int
sample_file (const char *path, uint64_t max, struct sample *s)
{
  struct runs runs = { 0 };
  int fd = open (path, O_RDONLY | O_CLOEXEC), r;
  off_t size = fd >= 0 ? lseek (fd, 0, SEEK_END) : -1, at;
  struct stat st;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISDIR (st.st_mode)) {
    r = fault ("%s: %s", path, strerror (EISDIR));
  }
  else if (size < 0) {
    r = fault ("%s: %s", path, errno == ESPIPE
               ? "a pipe; save it to a file first" : strerror (errno));
  }
  else if (size == 0) {
    r = fault ("%s: it is empty", path);
  }
  else {
    for (at = 0; at < size; at += SAMPLE_RUN)
      runs_add (&runs, (uint64_t) at, size - at < SAMPLE_RUN
                ? (uint32_t) (size - at) : SAMPLE_RUN);
    errno = 0;
    r = read_sample (fd, &runs, max, s);
  }
  free (runs.run);
  if (fd >= 0)
    close (fd);
  return r;
}

/* --- A process ---------------------------------------------------------- */

/* An entry of pagemap: present, and no page of a file. */
static bool
is_anonymous (uint64_t entry)
{
  return entry >> 63 && !(entry >> 61 & 1);
}

/* The runs of anonymous pages between two addresses. */
static void
runs_of_mapping (int pagemap, uint64_t from, uint64_t to, uint64_t page,
                 struct runs *runs)
{
  uint64_t entries[512], at = from, start = from;
  uint32_t length = 0;

  while (at < to) {
    uint64_t n = (to - at) / page < 512 ? (to - at) / page : 512, i;
    ssize_t got = pread (pagemap, entries, (size_t) n * 8,
                         (off_t) (at / page * 8));

    if (got < 8)
      break;
    for (i = 0; i < (uint64_t) got / 8; i++, at += page) {
      if (!is_anonymous (entries[i])) {
        if (length)
          runs_add (runs, start, length);
        length = 0;
        continue;
      }
      if (!length)
        start = at;
      length += (uint32_t) page;
      if (length >= SAMPLE_RUN) {
        runs_add (runs, start, length);
        length = 0;
      }
    }
  }
  if (length)
    runs_add (runs, start, length);
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
open_proc (const char *pid, const char *name)
{
  char *path = must_printf ("/proc/%s/%s", pid, name);
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 && errno == ENOENT)
    fault ("--pid %s: there is no such process", pid);
  else if (fd < 0)
    fault ("%s: %s; only root and who may trace the process can look at"
           " its memory", path, strerror (errno));
  free (path);
  return fd;
}

int
sample_process (const char *pid, uint64_t max, struct sample *s)
{
  struct runs runs = { 0 };
  int maps_fd = -1, pagemap = -1, mem = -1, r = -1;
  FILE *maps = NULL;

  if (*pid == '\0' || pid[strspn (pid, "0123456789")])
    return fault ("--pid %s: not the number of a process", pid);
  if ((maps_fd = open_proc (pid, "maps")) >= 0 &&
      (mem = open_proc (pid, "mem")) >= 0 &&
      (pagemap = open_proc (pid, "pagemap")) >= 0 &&
      (maps = fdopen (maps_fd, "r")) != NULL) {
    r = runs_of_process (maps, pagemap, &runs);
    errno = 0;
    if (r == 0)
      r = read_sample (mem, &runs, max, s);
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
