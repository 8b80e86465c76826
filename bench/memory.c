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

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "zram.h"

static const char *corpus;
static uint64_t n_pages, page;
static uint64_t random_state = 1;

/* Return the resident size in bytes, without that of mapped files, which the
 * corpus is.
 */
static uint64_t
memory_resident (void)
{
  unsigned long size, rss, shared;
  FILE *f = fopen ("/proc/self/statm", "r");

  if (!f || fscanf (f, "%lu %lu %lu", &size, &rss, &shared) != 3)
    exit (EXIT_FAILURE);
  fclose (f);
  return (rss - shared) * (uint64_t) sysconf (_SC_PAGESIZE);
}

static void
memory_report (const struct zram_disk *disk, const char *phase, uint64_t base)
{
  struct zram_stats st;
  uint64_t grown;

  sleep (2);
  grown = memory_resident () - base;
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
memory_check (int r)
{
  if (r < 0)
    die ("%s", strerror (-r));
}

static void
memory_fill (struct zram_disk *disk)
{
  uint64_t i;

  for (i = 0; i < n_pages; ++i)
    memory_check (zram_pwrite (disk, corpus + i * page, page, i * page));
}

static void
memory_churn (struct zram_disk *disk)
{
  uint64_t i, from;

  for (i = 0; i < 3 * n_pages; ++i) {
    from = random_below (&random_state, n_pages);
    memory_check (zram_pwrite (disk, corpus + from * page, page,
                               random_below (&random_state, n_pages) * page));
  }
}

static void
memory_trim_half (struct zram_disk *disk)
{
  uint64_t i;

  for (i = 0; i < n_pages; ++i)
    if (random_below (&random_state, 2))
      memory_check (zram_trim (disk, page, i * page));
}

int
main (int argc, char *argv[])
{
  struct zram_params params = { .algo = argc > 2 ? argv[2] : "zstd" };
  char message[ZRAM_MESSAGE_MAX];
  struct zram_disk *disk;
  uint64_t base, size;

  if (argc < 2) {
    fprintf (stderr, "usage: memory CORPUS [ALGO [PAGE-SIZE [LEVEL]]]\n");
    return EXIT_FAILURE;
  }
  params.page_size = argc > 3 ? (uint32_t) atoi (argv[3]) : 4096;
  params.has_level = argc > 4;
  params.level = argc > 4 ? atoi (argv[4]) : 0;
  page = params.page_size;
  corpus = map_file (argv[1], &size);
  n_pages = size / page;
  params.size = n_pages * page;
  base = memory_resident ();
  if (zram_open (&params, &disk, message) < 0)
    die ("%s", message);
  memory_check (zram_keeper_start (disk));
  printf ("%-10s %10s %10s %9s %10s %8s %8s %6s %8s\n", "MiB", "objects",
          "resident", "over", "says", "off by", "free", "split", "moved/wr");
  memory_fill (disk);
  memory_report (disk, "filled", base);
  memory_churn (disk);
  memory_report (disk, "churned", base);
  memory_trim_half (disk);
  memory_report (disk, "trimmed", base);
  memory_check (zram_trim (disk, params.size, 0));
  memory_report (disk, "empty", base);
  zram_close (disk);
  return 0;
}
