/* Test of ctl/estimate-sample.c: what is taken of a file with holes, and
 * of a process whose memory is in more pieces than are listed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

/* So that it need not have a million of them. */
#define RUNS_MAX 64
#include "../ctl/estimate-sample.c"

#include "testlib.h"

#define UNIT SAMPLE_RUN
#define STAMP UINT64_C (0x5a5a000000000000)

static char path[] = "test-ctl-sample.XXXXXX";

static void
put_unit (int fd, uint64_t number)
{
  static uint64_t words[UNIT / 8];
  size_t i;

  for (i = 0; i < UNIT / 8; i++)
    words[i] = STAMP | number;
  CHECK (pwrite (fd, words, UNIT, (off_t) (number * UNIT)) == UNIT);
}

static uint64_t
stamp_at (const struct sample *s, uint64_t at)
{
  uint64_t word;

  CHECK (at + 8 <= s->length);
  memcpy (&word, s->data + at, 8);
  return word;
}

/* Of these units all are taken, or each how manyth of them. */
static void
check_file (const uint64_t *units, uint64_t n, uint64_t wanted)
{
  struct sample s;
  uint64_t i;

  if (sample_file (path, wanted * UNIT, &s) < 0)
    fail ("%s", fault_text ());
  if (wanted > n)
    wanted = n;
  CHECK (s.length == wanted * UNIT && s.data_bytes == n * UNIT);
  for (i = 0; i < wanted; i++)
    CHECK (stamp_at (&s, i * UNIT) == (STAMP | units[i * n / wanted]));
  sample_free (&s);
}

static void
test_file (void)
{
  /* At the start, neighbours, alone, and at the end of 15T. */
  uint64_t units[40] = { 0, 1, 2, 5, 6, 1000 }, n = 6;
  const uint64_t size = UINT64_C (15) << 40;
  int fd = mkstemp (path);
  struct sample s;
  size_t i;

  CHECK (fd >= 0);
  while (n < 39)
    units[n] = 100000 + n * n * 1000, n++;
  units[n++] = size / UNIT - 1;
  if (ftruncate (fd, (off_t) size) < 0) {
    unlink (path);
    puts ("the file system has no files of 15T");
    exit (77);
  }
  CHECK (sample_file (path, UINT64_MAX, &s) == 0);
  CHECK (s.whole == size && s.data_bytes == 0 && s.length == 4096);
  sample_free (&s);

  for (i = 0; i < n; i++)
    put_unit (fd, units[i]);
  check_file (units, n, 1);
  check_file (units, n, 7);
  check_file (units, n, 39);
  check_file (units, n, 40);
  check_file (units, n, 100);

  /* An end within a unit, and within a page. */
  CHECK (ftruncate (fd, 2 * UNIT + 5000) == 0);
  CHECK (sample_file (path, UINT64_MAX, &s) == 0);
  CHECK (s.whole == 2 * UNIT + 5000 && s.data_bytes == s.whole);
  CHECK (s.length == 2 * UNIT + 8192);
  CHECK (stamp_at (&s, 2 * UNIT) == (STAMP | 2));
  sample_free (&s);
  CHECK (unlink (path) == 0);
  close (fd);
}

/* Each second page of a mapping: as many runs, hundreds times RUNS_MAX. */
static void __attribute__ ((unused))
test_process (void)
{
  const size_t page = (size_t) sysconf (_SC_PAGESIZE), n = 20000;
  unsigned char *m = mmap (NULL, 2 * n * page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  unsigned quarters[4] = { 0 };
  char pid[32];
  struct sample s;
  uint64_t word, at;
  size_t i;

  CHECK (m != MAP_FAILED);
  madvise (m, 2 * n * page, MADV_NOHUGEPAGE);
  for (i = 0; i < n; i++) {
    word = STAMP | i;
    memcpy (m + 2 * i * page, &word, 8);
  }
  snprintf (pid, sizeof pid, "%d", (int) getpid ());
  if (sample_process (pid, UINT64_MAX, &s) < 0) {
    fprintf (stderr, "%s\n", fault_text ());
    exit (77);
  }
  CHECK (s.whole == s.data_bytes && s.data_bytes > n * page);
  CHECK (s.length > 0 && s.length <= (uint64_t) RUNS_MAX * SAMPLE_RUN);
  for (at = 0; at < s.length; at += page) {
    word = stamp_at (&s, at);
    if ((word & ~UINT64_C (0xffffffffffff)) == STAMP)
      quarters[(word ^ STAMP) * 4 / n]++;
  }
  for (i = 0; i < 4; i++)
    if (quarters[i] < 4)
      fail ("of quarter %zu there are %u pages", i, quarters[i]);
  sample_free (&s);
  munmap (m, 2 * n * page);
}

int
main (void)
{
  test_file ();
  /* A sanitizer's address space takes a minute to look through. */
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
  test_process ();
#endif
  return 0;
}
