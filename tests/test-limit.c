/* nbdkit-zram: the memory limit.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It holds whatever threads do; at it the old data stay, what does not
 * grow still succeeds, and room made is room that can be used.  test-shard
 * tries each kind of page over each other at the limit.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define SIZE (128 * MiB)
#define PAGES (SIZE / PAGE)
#define THREADS 4

static struct zram_disk *d;
static uint64_t empty;          /* what the disk holds without data */
static uint64_t seed_of[PAGES]; /* 0: zeroes */

/* The limit is room for so much beyond the codec contexts, of which there
 * are as many as processors.
 */
static void
start (uint64_t room, const char *algo)
{
  struct zram_params p = { .size = SIZE, .algo = algo };

  memset (seed_of, 0, sizeof seed_of);
  d = disk_open (&p);
  empty = disk_stats (d).mem_used_total;
  zram_set_mem_limit (d, empty + room);
  CHECK (zram_mem_limit (d) == empty + room);
}

/* A page of a seed: its kind is in the lowest digit. */
static void
make (unsigned char *buf, uint64_t seed)
{
  switch (seed % 8) {
  case 0: page_same (buf, PAGE, seed); break;   /* a word; 0: zeroes */
  case 1: page_make (buf, PAGE, PAGE, seed); break;     /* raw */
  case 2: page_make (buf, PAGE, 3300, seed); break;
  case 3: page_make (buf, PAGE, 2600, seed); break;
  default: page_make (buf, PAGE, 100 + seed % 1500, seed); break;
  }
}

static void
check_page (uint64_t n)
{
  unsigned char want[PAGE], got[PAGE];

  make (want, seed_of[n]);
  CHECK (zram_pread (d, got, PAGE, n * PAGE) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
}

static int
put (uint64_t n, uint64_t seed)
{
  unsigned char buf[PAGE];
  int r;

  make (buf, seed);
  r = zram_pwrite (d, buf, PAGE, n * PAGE);
  CHECK (r == 0 || r == -ENOSPC);
  if (r == 0)
    seed_of[n] = seed;
  return r;
}

static void
verify (void)
{
  struct zram_stats st = disk_stats (d);
  uint64_t n;

  for (n = 0; n < PAGES; ++n)
    if (seed_of[n])
      check_page (n);
  CHECK (st.mem_limit == zram_mem_limit (d));
  CHECK (st.mem_used_total == st.mem_segments + st.mem_raw + st.mem_table +
         st.mem_codecs + st.mem_other);
  disk_recount (d);
}

/* Threads, each on pages of its own, all at once, into the limit and on. */

struct writer {
  pthread_t thread;
  uint64_t rng, refused;
  unsigned id;
};

static void *
write_all (void *arg)
{
  struct writer *w = arg;
  uint64_t n, i, used;

  for (i = 0; i < 6000; ++i) {
    n = rng_below (&w->rng, PAGES / THREADS / 4) * THREADS + w->id;
    if (i > 3000 && rng_below (&w->rng, 8) == 0) {
      CHECK (zram_trim (d, PAGE, n * PAGE) == 0);
      seed_of[n] = 0;
    }
    else if (put (n, 8 + rng_next (&w->rng) % (1 << 30)) < 0) {
      w->refused++;
      check_page (n);
    }
    used = disk_stats (d).mem_used_total;
    if (used > zram_mem_limit (d))
      fail ("%" PRIu64 " bytes held", used);
  }
  return NULL;
}

static void
test_threads (void)
{
  static struct writer w[THREADS];
  uint64_t limit, refused = 0;
  struct zram_stats st;
  unsigned i;

  start (7 * MiB, zram_codec_info (0)->name);
  limit = zram_mem_limit (d);
  CHECK (zram_keeper_start (d) == 0);
  for (i = 0; i < THREADS; ++i) {
    w[i] = (struct writer) { .rng = i + 1, .id = i };
    CHECK (pthread_create (&w[i].thread, NULL, write_all, &w[i]) == 0);
  }
  for (i = 0; i < THREADS; ++i) {
    CHECK (pthread_join (w[i].thread, NULL) == 0);
    refused += w[i].refused;
  }
  CHECK (refused > 100);
  verify ();
  st = disk_stats (d);
  CHECK (st.mem_used_max <= limit);
  CHECK (st.mem_used_max > limit - MiB / 8);    /* it was used */
  CHECK (st.failed_writes == refused);
  printf ("%" PRIu64 " refused, %" PRIu64 " of %" PRIu64 " bytes held\n",
          refused, st.mem_used_max, limit);
  zram_close (d);
}

/* Fill up, then overwrite all of it with what is no larger. */
static void
test_same_size (const char *algo)
{
  uint64_t n, count;

  start (4 * MiB, algo);
  for (n = 0; put (n, 8 * n + 1 + n % 7) == 0; ++n)
    ;
  CHECK (n > 500);
  /* With the small ones, until nothing at all goes in. */
  for (count = n + 1; count < PAGES && put (count, 8 * count) == 0; ++count)
    ;
  CHECK (count < PAGES && disk_stats (d).failed_writes == 2);
  verify ();
  /* The same again, other noise where there was noise, words over all. */
  while (n-- > 0)
    CHECK (put (n, seed_of[n] + 8 * (seed_of[n] % 8 == 1)) == 0);
  verify ();
  for (n = 0; n < count; ++n)
    if (seed_of[n]) {
      CHECK (put (n, 8 * (n + 1)) == 0);
      check_page (n);
    }
  verify ();
  for (n = 0; n < count; ++n)
    CHECK (seed_of[n] == 0 || put (n, 0) == 0);
  verify ();
  CHECK (disk_stats (d).zero_pages == disk_stats (d).pages_stored);
  CHECK (disk_stats (d).mem_used_max <= zram_mem_limit (d));
  zram_close (d);
}

/* Noise, text where noise was, noise again where it still fits: raw pages
 * at the limit.
 */
static void
test_raw (void)
{
  uint64_t n, count;

  start (3 * MiB, zram_codec_info (0)->name);
  for (count = 0; put (count, 8 * count + 1) == 0; ++count)
    ;
  CHECK (disk_stats (d).huge_pages == count);
  for (n = 0; n < count; ++n)
    CHECK (put (n, 8 * (count + n) + 1) == 0);  /* in place */
  verify ();
  CHECK (disk_stats (d).huge_pages == count);
  /* Smaller, but no memory for a segment: where they are.  From the moment
   * that there is some, they shrink, and what they free is enough.
   */
  for (n = 0; n < count; ++n)
    CHECK (put (n, 8 * n + 4) == 0);
  verify ();
  for (n = 0; n < 8; ++n)
    CHECK (put (n, 0) == 0);
  for (n = 8; n < count; ++n)
    CHECK (put (n, 8 * n + 4) == 0);
  verify ();
  CHECK (disk_stats (d).huge_pages == 0);
  CHECK (disk_stats (d).mem_used_total < empty + MiB / 4 + 1000 * count);
  CHECK (put (count, 8 * count + 1) == 0);
  verify ();
  zram_close (d);
}

/* A partial write at the limit is refused or done, never half. */
static void
test_partial (void)
{
  unsigned char buf[PAGE], noise[PAGE], got[PAGE];
  uint64_t n, count, refused = 0;

  start (3 * MiB, zram_codec_info (0)->name);
  for (count = 0; put (count, 8 * count + 4) == 0; ++count)
    ;
  page_make (noise, PAGE, PAGE, 99);
  for (n = 0; n < count; ++n) {
    unsigned at = (unsigned) (n * 37 % 2000);

    make (buf, seed_of[n]);
    if (zram_pwrite (d, noise, 2000, n * PAGE + at) == 0)
      memcpy (buf + at, noise, 2000);
    else
      refused++;
    CHECK (zram_pread (d, got, PAGE, n * PAGE) == 0);
    CHECK (memcmp (got, buf, PAGE) == 0);
  }
  CHECK (refused > 0);
  disk_recount (d);
  zram_close (d);
}

/* A request of many pages stops at the page that does not fit. */
static void
test_many_pages (void)
{
  const uint64_t n = 512;
  unsigned char *want = malloc (n * PAGE), *got = malloc (n * PAGE);
  uint64_t new, i;

  start (MiB, zram_codec_info (0)->name);
  page_make (want, n * PAGE, n * PAGE, 5);
  CHECK (zram_pwrite (d, want, n * PAGE, 0) == -ENOSPC);
  CHECK (zram_pread (d, got, n * PAGE, 0) == 0);
  for (new = 0; memcmp (got + new * PAGE, want + new * PAGE, PAGE) == 0; )
    new++;
  CHECK (new > 100 && new < n);
  for (i = new; i < n; ++i)
    CHECK (is_zero (got + i * PAGE, PAGE));
  CHECK (disk_stats (d).failed_writes == 1);
  CHECK (disk_stats (d).write_bytes == 0);
  disk_recount (d);
  free (want);
  free (got);
  zram_close (d);
}

/* Room that is made is room to use; so is a higher limit. */
static void
test_room (void)
{
  uint64_t n, first, held;

  start (3 * MiB, zram_codec_info (0)->name);
  for (first = 0; put (first, 8 * first + 2) == 0; ++first)
    ;
  CHECK (zram_trim (d, first / 2 * PAGE, 0) == 0);
  memset (seed_of, 0, first / 2 * sizeof seed_of[0]);
  for (n = 0; n < first / 2 - 10; ++n)
    CHECK (put (n, 8 * n + 2) == 0);
  verify ();
  /* Other sizes where these were, after compaction while it writes. */
  for (n = 0; n < first; n += 2) {
    CHECK (zram_trim (d, PAGE, n * PAGE) == 0);
    seed_of[n] = 0;
  }
  for (n = 0; n < first / 2 * 2 / 5; n += 2)
    CHECK (put (n, 8 * n + 1) == 0);            /* raw, not segments */
  verify ();

  while (put (n, 8 * n + 2) == 0)
    n++;
  zram_set_mem_limit (d, empty + 4 * MiB);
  CHECK (put (n, 8 * n + 2) == 0);
  zram_set_mem_limit (d, 0);
  for (n = 0; n < 4000; ++n)
    CHECK (put (n, 8 * n + 2) == 0);
  held = disk_stats (d).mem_used_total;
  CHECK (held > empty + 8 * MiB);

  /* Below what is held: all stays, nothing more comes. */
  zram_set_mem_limit (d, empty + MiB);
  verify ();
  for (n = 4000; n < 4100; ++n)
    if (put (n, 8 * n + 1) != -ENOSPC)
      CHECK (n < 4004);                         /* what was kept hot */
  for (n = 0; n < 4000; n += 7)
    CHECK (put (n, seed_of[n]) == 0);
  verify ();
  CHECK (disk_stats (d).mem_used_total <= held + 2 * 16400);
  CHECK (zram_reset (d) == 0);
  memset (seed_of, 0, sizeof seed_of);
  CHECK (disk_stats (d).mem_used_total == empty);
  CHECK (zram_mem_limit (d) == empty + MiB);
  CHECK (put (0, 8 + 2) == 0);
  verify ();
  zram_close (d);
}

/* Codecs come and go at a tight limit: what they hold never passes it, and
 * is given back when no object needs it.
 */
static uint64_t
resident (void)
{
  unsigned long size = 0, pages = 0;
  FILE *f = fopen ("/proc/self/statm", "r");

  CHECK (f && fscanf (f, "%lu %lu", &size, &pages) == 2);
  fclose (f);
  return pages * (uint64_t) sysconf (_SC_PAGESIZE);
}

static void
change_codecs (unsigned *switched, unsigned *refused)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  const struct zram_codec_info *info;
  unsigned i;
  int r;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i) {
    r = zram_set_algorithm (d, info->name, info->level_min < info->level_max,
                            info->level_max, message);
    CHECK (r == 0 || (r == -ENOSPC && strstr (message, info->name) &&
                      strstr (message, "mem-limit")));
    *(r == 0 ? switched : refused) += 1;
    put (i, 8 * (i + 1) + 4);
    check_page (i);
    CHECK (!zram_mem_limit (d) ||
           disk_stats (d).mem_used_max <= zram_mem_limit (d));
    disk_recount (d);
  }
}

static void
test_codecs (void)
{
  struct zram_params p = { .size = SIZE, .algo = zram_codec_info (0)->name };
  char message[ZRAM_MESSAGE_MAX] = "";
  uint64_t one, before, rss, held;
  unsigned switched = 0, refused = 0, i;

  d = disk_open (&p);
  one = disk_stats (d).mem_codecs;
  zram_close (d);

  start (MiB / 2, p.algo);
  for (i = 0; i < 20; ++i)
    change_codecs (&switched, &refused);
  printf ("%u changes of codec at the limit, %u refused\n", switched, refused);
  verify ();

  /* All of them in use, then none but one. */
  zram_set_mem_limit (d, 0);
  before = resident ();
  held = disk_stats (d).mem_used_total;
  for (i = 0; i < 3; ++i)
    change_codecs (&switched, &refused);
  rss = resident ();
  held = disk_stats (d).mem_used_total - held;
  printf ("all codecs: resident %+" PRId64 " KiB, held %+" PRId64 "\n",
          (int64_t) (rss - before) / 1024, (int64_t) held / 1024);
  CHECK (SANITIZED || rss - before < held + MiB);
  CHECK (zram_trim (d, SIZE, 0) == 0);
  CHECK (zram_set_algorithm (d, p.algo, false, 0, message) == 0);
  CHECK (disk_stats (d).mem_codecs <= one * WORKSPACES_PER_CPU * os_cpus ());
  for (i = 0; i < CODINGS_MAX; ++i)
    CHECK ((d->codings.coding[i].codec != NULL) == (i == d->codings.now));
  disk_recount (d);
  zram_close (d);
}

/* The least limit that the message names is one. */
static void
test_least (void)
{
  struct zram_params p = { .size = SIZE, .mem_limit = 1000 };
  char message[ZRAM_MESSAGE_MAX] = "", *least;

  CHECK (zram_open (&p, &d, message) == -EINVAL);
  least = strstr (message, "at least ");
  CHECK (least && strncmp (message, "mem-limit 1000 is too small", 27) == 0);
  p.mem_limit = strtoull (least + 9, &least, 10);
  CHECK (strcmp (least, "K") == 0);
  p.mem_limit *= 1024;
  d = disk_open (&p);
  zram_close (d);
  p.mem_limit -= 1024;
  CHECK (zram_open (&p, &d, message) == -EINVAL);
}

/* What is known of accesses lies beside the table's nodes, and takes as much
 * memory as they do; it must go when they go.
 */
static void
test_ages (void)
{
  struct zram_params p = {
    .size = UINT64_C (16) << 40, .track_access = true,
  };
  const uint64_t pages = 40000, step = UINT64_C (7) * 64 * 4096;
  uint64_t before, rss, held, i;
  struct zram_stats st;
  char page[4096];

  d = disk_open (&p);
  memset (page, 'a', sizeof page);
  before = resident ();
  held = disk_stats (d).mem_used_total;
  for (i = 0; i < pages; ++i)
    CHECK (zram_pwrite (d, page, sizeof page, i * step) == 0);
  st = disk_stats (d);
  rss = resident () - before;
  CHECK (SANITIZED || (rss > 16 * MiB && st.mem_used_total > 16 * MiB));
  CHECK (zram_trim (d, pages / 2 * step, 0) == 0);
  CHECK (zram_trim (d, pages / 2 * step, pages / 2 * step) == 0);
  CHECK (zram_compact (d) == 0);
  held = disk_stats (d).mem_used_total - held;
  rss = resident () - before;
  printf ("ages: resident %+" PRId64 " KiB, held %+" PRId64 "\n",
          (int64_t) rss / 1024, (int64_t) held / 1024);
  CHECK (SANITIZED || rss < held + 2 * MiB);
  zram_close (d);
}

int
main (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  test_threads ();
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    test_same_size (info->name);
  test_raw ();
  test_partial ();
  test_many_pages ();
  test_room ();
  test_least ();
  test_codecs ();
  test_ages ();
  return 0;
}
