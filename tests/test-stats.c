/* nbdkit-zram: statistics: every field, and what the system says.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u

static struct zram_disk *d;

static void
start (uint64_t size, const char *algo)
{
  struct zram_params p = { .size = size, .algo = algo };

  d = disk_open (&p);
}

static void
put (uint64_t n, unsigned noise, uint64_t seed)
{
  unsigned char buf[PAGE];

  page_make (buf, PAGE, noise, seed);
  CHECK (zram_pwrite (d, buf, PAGE, n * PAGE) == 0);
}

/* One operation at a time; what it changes, and what it does not. */

static struct zram_stats was, is;

/* Look again; how much a field went up since the look before. */
#define LOOK() (was = is, is = disk_stats (d))
#define MOVED(field, by) CHECK (is.field - was.field == (uint64_t) (by))

/* What an operation did not do. */
static void
nothing_else (bool reads, bool writes, bool clears)
{
  if (!reads) {
    MOVED (reads, 0);
    MOVED (read_bytes, 0);
    MOVED (failed_reads, 0);
  }
  if (!writes) {
    MOVED (writes, 0);
    MOVED (write_bytes, 0);
  }
  if (!clears) {
    MOVED (zeroes, 0);
    MOVED (trims, 0);
    MOVED (notify_free, 0);
  }
  MOVED (corrupt, 0);
  MOVED (merges_retried, 0);
  CHECK (is.orig_data_size == is.pages_stored * PAGE);
  CHECK (is.mem_used_total == is.mem_segments + is.mem_raw + is.mem_table +
         is.mem_codecs + is.mem_other);
  CHECK (is.mem_used_max >= is.mem_used_total);
  CHECK (is.mem_used_max >= was.mem_used_max);
}

static void
test_writes (void)
{
  unsigned char buf[4 * PAGE];
  unsigned i;

  page_same (buf, PAGE, 0x1234);
  CHECK (zram_pwrite (d, buf, PAGE, 0) == 0);
  LOOK ();
  nothing_else (false, true, false);
  MOVED (writes, 1);
  MOVED (write_bytes, PAGE);
  MOVED (pages_stored, 1);
  MOVED (same_pages, 1);
  MOVED (zero_pages, 0);
  MOVED (compr_data_size, 0);
  CHECK (is.mem_segments > 0 && is.mem_table > 0 && is.mem_free > 0);

  memset (buf, 0, PAGE);
  CHECK (zram_pwrite (d, buf, PAGE, PAGE) == 0);
  LOOK ();
  nothing_else (false, true, false);
  MOVED (pages_stored, 1);
  MOVED (same_pages, 1);
  MOVED (zero_pages, 1);

  put (2, PAGE, 1);                     /* noise */
  LOOK ();
  nothing_else (false, true, false);
  MOVED (pages_stored, 1);
  MOVED (same_pages, 0);
  MOVED (huge_pages, 1);
  MOVED (huge_pages_since, 1);
  MOVED (compr_data_size, PAGE);
  MOVED (mem_raw, PAGE);

  put (2, 1000, 2);                     /* which shrinks */
  LOOK ();
  nothing_else (false, true, false);
  MOVED (pages_stored, 0);
  MOVED (huge_pages, -1);
  MOVED (huge_pages_since, 0);
  CHECK (is.compr_data_size > 900 && is.compr_data_size < 2000);

  for (i = 0; i < 4; ++i)
    page_make (buf + i * PAGE, PAGE, 300, 3 + i);
  CHECK (zram_pwrite (d, buf, 3 * PAGE + 10, 3 * PAGE - 5) == 0);
  LOOK ();
  nothing_else (false, true, false);
  MOVED (writes, 1);
  MOVED (write_bytes, 3 * PAGE + 10);
  MOVED (pages_stored, 4);              /* 3, 4, 5 and a part of 6 */
}

static void
test_reads (void)
{
  unsigned char buf[4 * PAGE];

  CHECK (zram_pread (d, buf, sizeof buf, 100) == 0);
  LOOK ();
  nothing_else (true, false, false);
  MOVED (reads, 1);
  MOVED (read_bytes, sizeof buf);
  MOVED (pages_stored, 0);
  CHECK (zram_pread (d, buf, 1, 20 * PAGE) == 0);       /* a hole */
  LOOK ();
  MOVED (reads, 1);
  MOVED (read_bytes, 1);
  MOVED (pages_stored, 0);
}

static void
test_clears (void)
{
  CHECK (zram_trim (d, 3 * PAGE, 2 * PAGE) == 0);
  LOOK ();
  nothing_else (false, false, true);
  MOVED (trims, 1);
  MOVED (zeroes, 0);
  MOVED (notify_free, 3);
  MOVED (pages_stored, -3);

  CHECK (zram_zero (d, 3 * PAGE, 4 * PAGE) == 0);       /* 4 is a hole */
  LOOK ();
  nothing_else (false, false, true);
  MOVED (trims, 0);
  MOVED (zeroes, 1);
  MOVED (notify_free, 0);
  MOVED (pages_stored, 1);
  MOVED (zero_pages, 3);
  MOVED (same_pages, 3);

  CHECK (zram_zero (d, 10, 100) == 0);  /* a part of the word */
  LOOK ();
  nothing_else (false, false, true);
  MOVED (zeroes, 1);
  MOVED (same_pages, -1);
  MOVED (pages_stored, 0);
  CHECK (zram_trim (d, MiB, 0) == 0);
  LOOK ();
  CHECK (is.pages_stored == 0 && is.same_pages == 0 && is.zero_pages == 0);
  CHECK (is.compr_data_size == 0 && is.huge_pages == 0);
}

static void
test_memory (void)
{
  uint64_t i, moved;

  CHECK (zram_compact (d) == 0);        /* nothing hot but a few nodes */
  LOOK ();
  zram_set_mem_limit (d, is.mem_used_total);
  {
    unsigned char buf[PAGE] = { 1 };
    uint64_t limit = is.mem_used_total, failed = 0;

    for (i = 0; i < 100; ++i)
      failed += zram_pwrite (d, buf, PAGE, i * 64 * PAGE) < 0;
    CHECK (failed > 50);
    LOOK ();
    MOVED (failed_writes, failed);
    MOVED (writes, 100);
    MOVED (write_bytes, (100 - failed) * PAGE);
    CHECK (is.mem_limit == limit);
  }
  zram_set_mem_limit (d, 0);
  for (i = 0; i < 4000; ++i)
    put (i, 2050, i);
  LOOK ();
  CHECK (is.mem_limit == 0 && is.split_pages > 0);
  CHECK (is.compr_data_size > 4000 * 2050);
  CHECK (is.mem_segments > is.compr_data_size + is.mem_free);
  moved = is.objects_moved;
  for (i = 0; i < 4000; ++i)
    if (i % 3)
      CHECK (zram_trim (d, PAGE, i * PAGE) == 0);
  CHECK (zram_compact (d) == 0);
  LOOK ();
  CHECK (is.objects_moved > moved && is.pages_compacted > was.pages_compacted);
  CHECK (is.bytes_moved - was.bytes_moved > is.objects_moved - moved);
  CHECK (is.mem_segments < was.mem_segments * 2 / 5);
  CHECK (is.mem_used_max >= was.mem_used_total);
  CHECK (is.mem_free < is.mem_segments / 40 + 2 * 16384);
}

static void
test_reset (void)
{
  struct zram_stats want = { 0 };

  CHECK (zram_reset (d) == 0);
  LOOK ();
  want.mem_used_total = is.mem_codecs + is.mem_other;
  want.mem_codecs = is.mem_codecs;
  want.mem_other = is.mem_other;
  want.mem_used_max = is.mem_used_max;
  CHECK (memcmp (&is, &want, sizeof want) == 0);
  CHECK (is.mem_codecs == was.mem_codecs && is.mem_other == was.mem_other);
}

static void
test_fields (void)
{
  start (64 * MiB, zram_codec_info (0)->name);
  is = disk_stats (d);
  CHECK (is.mem_codecs > 0 && is.mem_other > 0 && is.pages_stored == 0);
  CHECK (is.mem_segments == 0 && is.mem_raw == 0 && is.mem_table == 0);
  CHECK (is.mem_used_total == is.mem_codecs + is.mem_other);
  CHECK (is.mem_used_max == is.mem_used_total);
  test_writes ();
  test_reads ();
  test_clears ();
  test_memory ();
  test_reset ();
  disk_recount (d);
  zram_close (d);
}

/* Partial writes that meet. */

static atomic_bool stop;

static void *
write_parts (void *arg)
{
  const uint64_t id = (uintptr_t) arg;
  unsigned char buf[16];
  uint64_t i = 0;

  memset (buf, (int) id + 1, sizeof buf);
  do
    CHECK (zram_pwrite (d, buf, sizeof buf, (i++ % 8 * 4 + id) * 16) == 0);
  while (!atomic_load (&stop));
  return NULL;
}

static void
test_merges (void)
{
  pthread_t thread[4];
  unsigned char buf[PAGE];
  unsigned i, tick;

  start (MiB, zram_codec_default ());
  put (0, 3000, 1);
  atomic_store (&stop, false);
  for (i = 0; i < 4; ++i)
    CHECK (pthread_create (&thread[i], NULL, write_parts,
                           (void *) (uintptr_t) i) == 0);
  for (tick = 0; disk_stats (d).merges_retried == 0 && tick < 2000; ++tick)
    usleep (5000);
  atomic_store (&stop, true);
  for (i = 0; i < 4; ++i)
    CHECK (pthread_join (thread[i], NULL) == 0);
  printf ("%" PRIu64 " merges retried in %" PRIu64 " writes\n",
          disk_stats (d).merges_retried, disk_stats (d).writes);
  CHECK (disk_stats (d).merges_retried > 0);
  CHECK (zram_pread (d, buf, PAGE, 0) == 0);
  for (i = 0; i < 4; ++i)
    CHECK (buf[i * 16] == i + 1);
  zram_close (d);
}

/* Read while four write, trim and reset. */

static void *
write_pages (void *arg)
{
  uint64_t rng = (uintptr_t) arg, n;
  unsigned char buf[PAGE];

  while (!atomic_load (&stop)) {
    n = rng_below (&rng, 8192);
    page_make (buf, PAGE, (unsigned) rng_below (&rng, PAGE * 9 / 8), n);
    CHECK (zram_pwrite (d, buf, PAGE, n * PAGE) == 0);
    if (rng_below (&rng, 4) == 0)
      CHECK (zram_trim (d, 3 * PAGE, (n & ~7u) * PAGE) == 0);
  }
  return NULL;
}

static void
test_concurrent (void)
{
  pthread_t thread[4];
  uint64_t looks = 0;
  unsigned i;

  start (256 * MiB, zram_codec_info (0)->name);
  atomic_store (&stop, false);
  is = disk_stats (d);
  for (i = 0; i < 4; ++i)
    CHECK (pthread_create (&thread[i], NULL, write_pages,
                           (void *) (uintptr_t) (i + 1)) == 0);
  for (; looks < 1000 || (is.writes < 4000 && looks < 1000000); ++looks) {
    LOOK ();
    CHECK (is.writes >= was.writes && is.write_bytes >= was.write_bytes);
    CHECK (is.trims >= was.trims && is.notify_free >= was.notify_free);
    CHECK (is.huge_pages_since >= was.huge_pages_since);
    CHECK (is.objects_moved >= was.objects_moved);
    CHECK (is.mem_used_max >= was.mem_used_max);
    /* A field may be read between two that belong together: by a page or
     * two a thread.
     */
    CHECK (is.pages_stored <= 8192 + 8);
    CHECK (is.same_pages <= 8192 + 8 && is.huge_pages <= 8192 + 8);
    if (looks % 100 == 0)
      sched_yield ();
  }
  atomic_store (&stop, true);
  for (i = 0; i < 4; ++i)
    CHECK (pthread_join (thread[i], NULL) == 0);
  disk_recount (d);
  zram_close (d);
}

/* What the system says. */

/* Bytes of this process in memory, counted from its page tables. */
static uint64_t
resident (void)
{
  FILE *f = fopen ("/proc/self/smaps_rollup", "re");
  unsigned long kb = 0, pages = 0;
  char line[256];

  while (f && fgets (line, sizeof line, f) &&
         sscanf (line, "Rss: %lu kB", &kb) != 1)
    ;
  if (f)
    fclose (f);
  if (kb)
    return (uint64_t) kb * 1024;
  f = fopen ("/proc/self/statm", "re");
  CHECK (f && fscanf (f, "%*u %lu", &pages) == 1);
  fclose (f);
  return (uint64_t) pages * (uint64_t) sysconf (_SC_PAGESIZE);
}

static void
compare (const char *when, uint64_t rss, uint64_t told)
{
  double grown = (double) (resident () - rss);
  double said = (double) (disk_stats (d).mem_used_total - told);

  printf ("%s: resident %+.1f MiB, mem_used_total %+.1f MiB, %+.2f%%\n",
          when, grown / MiB, said / MiB, 100 * (grown / said - 1));
  CHECK (grown < said * 1.02 && grown > said * 0.98);
}

static void
test_resident (void)
{
  uint64_t rss, told, i;
  const uint64_t n = 40000;             /* 156 MiB of pages */

  start (1024 * MiB, zram_codec_info (0)->name);
  /* Whatever is touched once has been. */
  for (i = 0; i < 2000; ++i)
    put (i, (unsigned) (i * 37 % PAGE), i);
  CHECK (zram_trim (d, 2000 * PAGE, 0) == 0);
  CHECK (zram_compact (d) == 0);
  rss = resident ();
  told = disk_stats (d).mem_used_total;
  rss = resident ();
  for (i = 0; i < n; ++i)
    put (i, (unsigned) (i * 37 % 3000), i);
  compare ("filled", rss, told);
  for (i = 0; i < n; i += 2)
    CHECK (zram_trim (d, PAGE, i * PAGE) == 0);
  CHECK (zram_compact (d) == 0);
  compare ("half trimmed", rss, told);
  for (i = 0; i < n; i += 2)
    put (i, PAGE, i);                   /* raw */
  compare ("noise instead", rss, told);
  disk_recount (d);
  zram_close (d);
}

/* Pages of every kind come and go while somebody looks: what is shown of
 * them is never less than nothing.
 */
static atomic_bool stop;

static void *
come_and_go (void *arg)
{
  struct zram_disk *disk = arg;
  unsigned char page[4096];
  uint64_t i;

  for (i = 0; !stop; ++i) {
    if (i % 4 == 0)
      CHECK (zram_zero (disk, 4096, i / 4 % 2 * 4096) == 0);
    else if (i % 4 == 1)
      CHECK (zram_trim (disk, 4096, i / 4 % 2 * 4096) == 0);
    else {
      page_make (page, sizeof page, i % 4 == 2 ? 0 : 4096, i | 1);
      CHECK (zram_pwrite (disk, page, 4096, i / 4 % 2 * 4096) == 0);
    }
  }
  return NULL;
}

static void
check_kinds (const struct zram_disk *disk)
{
  struct zram_stats st = disk_stats (disk);
  uint64_t kinds = st.same_pages + st.huge_pages;
  unsigned k;

  for (k = 0; k < ZRAM_CODECS_MAX; ++k)
    kinds += st.codec[k].pages;
  if (st.same_pages < st.zero_pages || st.pages_stored < kinds)
    fail ("%" PRIu64 " stored, %" PRIu64 " of all kinds, %" PRIu64
          " same, %" PRIu64 " zero", st.pages_stored, kinds, st.same_pages,
          st.zero_pages);
}

static void
test_snapshot (void)
{
  struct zram_params p = { .size = 64 << 20 };
  struct zram_disk *disk = disk_open (&p);
  struct shard *s = &disk->shards[0];
  pthread_t thread;
  unsigned i;

  /* Half way through the first write of a page, and its end. */
  CHECK (zram_zero (disk, 4096, 0) == 0);
  counter_sub (&s->n.stored, 1);
  check_kinds (disk);
  counter_add (&s->n.stored, 1);

  CHECK (pthread_create (&thread, NULL, come_and_go, disk) == 0);
  for (i = 0; i < (SANITIZED ? 20000 : 300000); ++i)
    check_kinds (disk);
  stop = true;
  CHECK (pthread_join (thread, NULL) == 0);
  disk_recount (disk);
  zram_close (disk);
}

int
main (void)
{
  test_fields ();
  test_merges ();
  test_concurrent ();
  if (!SANITIZED)
    test_resident ();
  test_snapshot ();
  return 0;
}
