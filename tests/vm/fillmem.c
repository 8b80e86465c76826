/* Fill memory until the kernel must swap, and look whether every page comes
 * back as it was.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What a page holds follows from the seed and its number alone, so that each
 * can be verified by itself, in any order, and nothing needs to be
 * remembered.  A quarter of the pages cannot be compressed; most are pieces
 * of a file of real data; some are nearly empty, as those of a heap are.
 *
 * With the name of a file as RELEASE it measures swapping alone: everything
 * out, in again, and out; then it waits for that file, so that the swap space
 * can be taken away meanwhile, and verifies.  For all pages to be out it takes
 * RECLAIM, memory.reclaim of the control group that it is in.
 *
 * It runs where memory is all but used up: after the start it allocates
 * nothing more, and what it prints goes out by write.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define BLOCK 16                /* pages of a block */
#define MADV_OUT 21             /* MADV_PAGEOUT, which libc may lack */

static const char *name;        /* before every line */
static uint64_t seed;
static size_t pages;
static unsigned char *memory;
static const unsigned char *corpus;
static size_t corpus_size;
static uint64_t bad;

static void __attribute__ ((format (printf, 1, 2)))
say (const char *format, ...)
{
  char line[256];
  va_list args;
  int n, m;

  n = snprintf (line, sizeof line, "fillmem: %s: ", name);
  va_start (args, format);
  m = vsnprintf (line + n, sizeof line - n - 1, format, args);
  va_end (args);
  n = n + m < (int) sizeof line - 1 ? n + m : (int) sizeof line - 2;
  line[n++] = '\n';
  if (write (STDOUT_FILENO, line, n) != n)
    _exit (3);
}

static void __attribute__ ((noreturn))
die (const char *what)
{
  say ("%s: %s", what, strerror (errno));
  exit (2);
}

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* The counter of this name in /proc/vmstat. */
static uint64_t
vmstat (const char *key)
{
  static char text[16384];
  size_t length = strlen (key);
  ssize_t n;
  char *p;
  int fd;

  fd = open ("/proc/vmstat", O_RDONLY);
  if (fd == -1)
    die ("/proc/vmstat");
  n = read (fd, text, sizeof text - 1);
  close (fd);
  if (n <= 0)
    die ("/proc/vmstat");
  text[n] = '\0';
  for (p = text; p && *p; p = strchr (p, '\n') ? strchr (p, '\n') + 1 : NULL) {
    if (strncmp (p, key, length) == 0 && p[length] == ' ')
      return strtoull (p + length + 1, NULL, 10);
  }
  errno = ENOENT;
  die (key);
}

/* A number that any two different arguments are unlikely to share. */
static uint64_t
mix (uint64_t x)
{
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/* What page i shall hold. */
static void
make_page (size_t i, unsigned char *page)
{
  uint64_t r = mix (seed ^ mix (i)), head[2] = { seed, i }, *words;
  size_t k;

  words = (uint64_t *) page;
  switch (r & 7) {
  case 0:
  case 1:                       /* noise */
    for (k = 0; k < PAGE / sizeof *words; k++) {
      r = r * 6364136223846793005 + 1442695040888963407;
      words[k] = r ^ (r >> 29);
    }
    break;
  case 2:                       /* a word here and there */
    memset (page, 0, PAGE);
    for (k = 0; k < 24; k++)
      words[(r >> k) % (PAGE / sizeof *words)] = r + k * 16;
    break;
  default:                      /* real data */
    memcpy (page, corpus + (r >> 8) % (corpus_size / 64 - PAGE / 64) * 64,
            PAGE);
  }
  memcpy (page, head, sizeof head);
}

/* So that whoever watches sees it go on. */
static void
progress (const char *what, size_t done)
{
  if (done % (pages / 10 + 1) == pages / 10)
    say ("%s %zu of %zu pages", what, done + 1, pages);
}

static void
fill (void)
{
  size_t i;

  for (i = 0; i < pages; i++) {
    make_page (i, memory + i * PAGE);
    progress ("filled", i);
  }
}

/* Every page once, in blocks of which the stride tells the order. */
static void
verify (size_t stride)
{
  static unsigned char expected[PAGE] __attribute__ ((aligned (PAGE)));
  size_t blocks = pages / BLOCK, i, k, at;

  for (i = 0; i < pages; i++) {
    at = i / BLOCK * stride % blocks * BLOCK + i % BLOCK;
    make_page (at, expected);
    if (memcmp (memory + at * PAGE, expected, PAGE) != 0) {
      for (k = 0; memory[at * PAGE + k] == expected[k]; k++)
        ;
      if (bad++ < 10)
        say ("BAD: page %zu differs from byte %zu on", at, k);
    }
    progress ("verified", i);
  }
}

static void
fill_again (size_t stride)
{
  (void) stride;
  fill ();
}

static void
touch (size_t stride)
{
  volatile unsigned char *p = memory;
  size_t i;

  (void) stride;
  for (i = 0; i < pages; i++)
    (void) p[i * PAGE];
}

static void
page_out (size_t stride)
{
  (void) stride;
  if (madvise (memory, pages * PAGE, MADV_OUT) == -1)
    die ("madvise");
}

/* How many pages are in memory, if only because they were being written
 * when they were to go.
 */
static size_t
in_memory (void)
{
  static unsigned char present[1024];
  size_t i, k, n, total = 0;

  for (i = 0; i < pages; i += n) {
    n = pages - i < sizeof present ? pages - i : sizeof present;
    if (mincore (memory + i * PAGE, n * PAGE, present) == -1)
      die ("mincore");
    for (k = 0; k < n; k++)
      total += present[k] & 1;
  }
  return total;
}

/* Written they are, or are being so, but in memory still: have those go
 * too.
 */
static void
page_out_rest (const char *reclaim)
{
  char text[32];
  size_t left = 0;
  int i, n, fd;

  if (!reclaim) {
    usleep (1000000);
    page_out (0);
    return;
  }
  fd = open (reclaim, O_WRONLY);
  if (fd == -1)
    die (reclaim);
  for (i = 0; i < 100; i++) {
    left = in_memory ();
    if (left < pages / 100)
      break;
    n = snprintf (text, sizeof text, "%zu", left * PAGE);
    if (write (fd, text, n) == -1 && errno != EAGAIN)
      die (reclaim);
    usleep (100000);
  }
  close (fd);
  say ("%zu pages are in memory still", left);
}

/* Do something and say how long it took and what it swapped. */
static void
timed (const char *what, void (*work) (size_t), size_t stride)
{
  uint64_t in = vmstat ("pswpin"), out = vmstat ("pswpout");
  double start = now (), s;

  work (stride);
  s = now () - start;
  in = vmstat ("pswpin") - in;
  out = vmstat ("pswpout") - out;
  say ("%s %.2f s in %llu out %llu pages, %.1f and %.1f MB/s", what, s,
       (unsigned long long) in, (unsigned long long) out,
       in * PAGE / 1e6 / s, out * PAGE / 1e6 / s);
}

static void
map_corpus (const char *file)
{
  struct stat st;
  int fd;

  fd = open (file, O_RDONLY);
  if (fd == -1 || fstat (fd, &st) == -1)
    die (file);
  corpus_size = st.st_size;
  if (corpus_size < 64 * PAGE) {
    errno = EFBIG;
    die (file);
  }
  corpus = mmap (NULL, corpus_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (corpus == MAP_FAILED)
    die (file);
  close (fd);
}

/* About the golden section of the blocks, and prime to them: a program that
 * jumps about in its memory.
 */
static size_t
far_stride (void)
{
  size_t a, b, t, blocks = pages / BLOCK, stride = blocks * 0.618;

  for (;; stride++) {
    for (a = stride, b = blocks; b; t = a % b, a = b, b = t)
      ;
    if (a == 1)
      return stride;
  }
}

int
main (int argc, char *argv[])
{
  const char *release, *reclaim;
  double start;

  if (argc < 5 || argc > 7) {
    fprintf (stderr,
             "fillmem NAME MEGABYTES SEED CORPUS [RELEASE [RECLAIM]]\n");
    return 2;
  }
  name = argv[1];
  pages = strtoull (argv[2], NULL, 10) * 256;
  seed = strtoull (argv[3], NULL, 10);
  release = argc > 5 ? argv[5] : NULL;
  reclaim = argc > 6 ? argv[6] : NULL;
  map_corpus (argv[4]);
  memory = mmap (NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages < 256 || memory == MAP_FAILED)
    die ("mmap");
  /* Huge pages would be split to be swapped; all pages shall be alike. */
  madvise (memory, pages * PAGE, MADV_NOHUGEPAGE);

  start = now ();
  timed ("fill", fill_again, 0);
  if (release) {
    timed ("page-out", page_out, 0);
    page_out_rest (reclaim);
    timed ("page-in", touch, 0);
    page_out (0);
    page_out_rest (reclaim);
    say ("holding");
    while (access (release, F_OK) == -1)
      usleep (100000);
  }
  timed ("verify", verify, 1);
  if (!release)
    timed ("verify-scattered", verify, far_stride ());
  say ("%zu pages, %llu bad, total %.2f s", pages, (unsigned long long) bad,
       now () - start);
  return bad ? 1 : 0;
}
