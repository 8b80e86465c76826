/* nbdkit-zram: how much memory the engine holds over the compressed bytes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   memory CORPUS [ALGO [PAGE-SIZE [LEVEL]]]
 *
 * Fills a disk with the pages of a file, overwrites all of it three times
 * at random with other pages of the file, trims a random half, idling two
 * seconds after each, and prints the growth of the resident size, all
 * metadata and codec contexts included, against the bytes of the objects
 * alone; and what the engine says it holds against the same growth.
 */

#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "zram.h"

static uint64_t
resident (void)
{
  unsigned long size, rss, shared;
  FILE *f = fopen ("/proc/self/statm", "r");

  if (!f || fscanf (f, "%lu %lu %lu", &size, &rss, &shared) != 3)
    exit (EXIT_FAILURE);
  fclose (f);
  /* the corpus is a file: its pages are shared ones */
  return (rss - shared) * (uint64_t) sysconf (_SC_PAGESIZE);
}

static uint64_t
random_below (uint64_t n)
{
  static uint64_t state = 1;

  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % n;
}

static void
report (const struct zram_disk *disk, const char *phase, uint64_t base)
{
  struct zram_stats st;
  uint64_t grown;

  sleep (2);
  grown = resident () - base;
  zram_stats (disk, &st);
  printf ("%-10s %10.2f %10.2f %+8.2f%% %10.2f %+7.2f%% %8.2f %6" PRIu64
          " %8.0f\n", phase,
          (double) st.compr_data_size / 1048576, (double) grown / 1048576,
          100.0 * ((double) grown / (double) st.compr_data_size - 1),
          (double) st.mem_used_total / 1048576,
          100.0 * ((double) st.mem_used_total / (double) grown - 1),
          (double) st.mem_free / 1048576, st.split_pages,
          (double) st.bytes_moved / (double) st.writes);
  fflush (stdout);
}

static void
check (int r)
{
  if (r < 0) {
    fprintf (stderr, "memory: %s\n", strerror (-r));
    exit (EXIT_FAILURE);
  }
}

int
main (int argc, char *argv[])
{
  struct zram_params params = { .algo = argc > 2 ? argv[2] : "zstd" };
  char message[ZRAM_MESSAGE_MAX];
  struct zram_disk *disk;
  uint64_t base, n, i, page;
  struct stat sb;
  char *corpus;
  int fd;

  if (argc < 2 || (fd = open (argv[1], O_RDONLY)) == -1 ||
      fstat (fd, &sb) == -1) {
    fprintf (stderr, "usage: memory CORPUS [ALGO [PAGE-SIZE [LEVEL]]]\n");
    return EXIT_FAILURE;
  }
  params.page_size = argc > 3 ? (uint32_t) atoi (argv[3]) : 4096;
  params.has_level = argc > 4;
  params.level = argc > 4 ? atoi (argv[4]) : 0;
  page = params.page_size;
  n = (uint64_t) sb.st_size / page;
  params.size = n * page;
  corpus = mmap (NULL, params.size, PROT_READ, MAP_SHARED, fd, 0);
  if (corpus == MAP_FAILED)
    return EXIT_FAILURE;

  base = resident ();
  if (zram_open (&params, &disk, message) < 0) {
    fprintf (stderr, "memory: %s\n", message);
    return EXIT_FAILURE;
  }
  check (zram_keeper_start (disk));
  printf ("%-10s %10s %10s %9s %10s %8s %8s %6s %8s\n", "MiB", "objects",
          "resident", "over", "says", "off by", "free", "split", "moved/wr");

  for (i = 0; i < n; ++i)
    check (zram_pwrite (disk, corpus + i * page, page, i * page));
  report (disk, "filled", base);
  for (i = 0; i < 3 * n; ++i)
    check (zram_pwrite (disk, corpus + random_below (n) * page, page,
                        random_below (n) * page));
  report (disk, "churned", base);
  for (i = 0; i < n; ++i)
    if (random_below (2))
      check (zram_trim (disk, page, i * page));
  report (disk, "trimmed", base);
  check (zram_trim (disk, params.size, 0));
  report (disk, "empty", base);
  zram_close (disk);
  return 0;
}
