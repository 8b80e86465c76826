/* nbdkit-zram: disks, at the boundaries of pages, leaves, shards and the
 * disk itself.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Through the public interface, against a model that holds a few pages on
 * both sides of every boundary.
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define GiB (UINT64_C (1) << 30)
#define TiB (UINT64_C (1) << 40)

static struct zram_disk *d;
static uint64_t rng;

static void
start (uint64_t size, uint32_t page)
{
  struct zram_params p = { .size = size, .page_size = page };

  d = disk_open (&p);
  CHECK (zram_size (d) == size && zram_page_size (d) == (page ? page : 4096));
  CHECK (zram_mem_limit (d) == 0);
  CHECK (strcmp (zram_algorithm (d), zram_codec_default ()) == 0);
}

static void
finish (void)
{
  disk_recount (d);
  zram_close (d);
}

static void
check_zero (uint64_t count, uint64_t offset)
{
  unsigned char *buf = malloc (count);

  memset (buf, 0x55, count);
  CHECK (zram_pread (d, buf, count, offset) == 0);
  CHECK (is_zero (buf, count));
  free (buf);
}

/* The last bytes of a disk. */

static void
test_end (uint64_t size, uint32_t page)
{
  unsigned char want[3 * 4096], got[3 * 4096];
  uint64_t most = size < sizeof want ? size : sizeof want, n;

  start (size, page);
  for (n = 1; n <= most; n = n * 3 + 1) {
    page_make (want, n, n / 2, n);
    CHECK (zram_pwrite (d, want, n, size - n) == 0);
    memset (got, 0x55, n);
    CHECK (zram_pread (d, got, n, size - n) == 0);
    CHECK (memcmp (got, want, n) == 0);
  }
  page_make (want, most, most, 5);
  CHECK (zram_pwrite (d, want, most, size - most) == 0);
  CHECK (zram_pread (d, got, 1, size - 1) == 0);
  CHECK (got[0] == want[most - 1]);
  CHECK (zram_zero (d, 1, size - 1) == 0);
  want[most - 1] = 0;
  CHECK (zram_pread (d, got, most, size - most) == 0);
  CHECK (memcmp (got, want, most) == 0);

  /* One byte more is not there. */
  CHECK (zram_pwrite (d, want, most + 1, size - most) == -EINVAL);
  CHECK (zram_pread (d, got, 2, size - 1) == -EINVAL);
  CHECK (zram_pread (d, got, 1, size) == -EINVAL);
  CHECK (zram_pread (d, got, 0, size) == 0);
  CHECK (zram_trim (d, 2, size - 1) == -EINVAL);
  CHECK (zram_zero (d, 1, size) == -EINVAL);
  CHECK (zram_pread (d, got, most, size - most) == 0);
  CHECK (memcmp (got, want, most) == 0);

  /* All of it goes, the ragged page at the end, too. */
  CHECK (zram_trim (d, most, size - most) == 0);
  CHECK (zram_trim (d, size, 0) == 0);
  check_zero (most, size - most);
  CHECK (disk_stats (d).pages_stored == 0);
  CHECK (zram_zero (d, size, 0) == 0);
  CHECK (disk_stats (d).pages_stored == (size - 1) / zram_page_size (d) + 1);
  CHECK (d->shards[0].table.nodes.used == 0);
  finish ();
}

/* Beyond UINT64_MAX. */
static void
test_overflow (void)
{
  static const uint64_t far[] = {
    UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 4095, UINT64_MAX - 4096,
    UINT64_MAX / 2 + 1,
  };
  unsigned char buf[4096] = { 1 };
  struct zram_stats before, after;
  unsigned i, k;

  start (MiB, 0);
  CHECK (zram_pwrite (d, buf, 4096, 0) == 0);
  before = disk_stats (d);
  for (i = 0; i < 5; ++i)
    for (k = 0; k < 5; ++k) {
      const uint64_t pairs[][2] = {
        { far[i], far[k] }, { 4096, far[k] }, { far[i], 4096 },
        { far[i], 0 }, { -far[k], far[k] }, { 4096 - far[k], far[k] },
      };
      unsigned j;

      for (j = 0; j < 6; ++j) {
        uint64_t count = pairs[j][0], offset = pairs[j][1];

        CHECK (zram_pread (d, buf, count, offset) == -EINVAL);
        CHECK (zram_pwrite (d, buf, count, offset) == -EINVAL);
        CHECK (zram_zero (d, count, offset) == -EINVAL);
        CHECK (zram_trim (d, count, offset) == -EINVAL);
        CHECK (zram_extents (d, count, offset, NULL, NULL) == -EINVAL);
      }
    }
  after = disk_stats (d);
  CHECK (memcmp (&before, &after, sizeof before) == 0);
  finish ();
}

/* Boundaries. */

static void
compare (const unsigned char *model, uint64_t n, uint64_t offset)
{
  static unsigned char got[40 * 65536];

  CHECK (n <= sizeof got);
  memset (got, 0xaa, n);
  CHECK (zram_pread (d, got, n, offset) == 0);
  CHECK (memcmp (got, model, n) == 0);
}

/* Requests of all sorts across one offset, and the 8 pages around it. */
static void
cross (uint64_t boundary)
{
  uint32_t page = zram_page_size (d), n = 8 * page;
  static unsigned char model[8 * 65536];
  uint64_t from = boundary - 4 * page, a, b;
  unsigned i;

  if (boundary < 4 * page || from + n > zram_size (d))
    return;
  memset (model, 0, n);
  CHECK (zram_trim (d, n, from) == 0);
  for (i = 0; i < 24; ++i) {
    a = 4 * page - rng_below (&rng, i % 3 == 0 ? 9 : 4 * page);
    b = 4 * page + rng_below (&rng, i % 3 == 1 ? 9 : 4 * page);
    if (i % 3 == 2) {
      a = a / page * page;
      b = b / page * page + page;
    }
    if (i % 6 < 4) {
      page_make (model + a, b - a, rng_below (&rng, b - a + 1),
                 rng_next (&rng));
      CHECK (zram_pwrite (d, model + a, b - a, from + a) == 0);
    }
    else {
      memset (model + a, 0, b - a);
      CHECK ((i % 6 == 4 ? zram_zero (d, b - a, from + a)
              : zram_trim (d, b - a, from + a)) == 0);
    }
    compare (model, n, from);
    compare (model + a, b - a, from + a);
  }
}

static void
test_boundaries (uint64_t size, uint32_t page)
{
  uint64_t leaf = (uint64_t) page * NODE_ENTRIES, root;
  unsigned i;

  start (size, page);
  root = (uint64_t) page * ROOT_SLOTS;
  printf ("page %u, %" PRIu64 " MiB: %u shards\n", page, size / MiB,
          shard_count (d));
  for (i = 1; i <= 2 * shard_count (d) + 1; ++i) {
    cross (i * leaf);
    cross (i * leaf + page);            /* within a leaf */
    if (i * root < size)
      cross (i * root);                 /* of a table of one shard */
    cross (i * root * shard_count (d)); /* of all of them */
  }
  cross (size / 2);
  cross (size - 4 * page);
  finish ();
}

/* Same-filled pages, from any byte to any byte. */
static void
test_words (uint32_t page)
{
  static unsigned char want[65536], got[65536];
  static const uint64_t words[] = {
    0, 1, UINT64_C (0x0102030405060708), UINT64_C (0xaaaaaaaaaaaaaaaa),
    UINT64_C (0xff00000000000000),
  };
  uint64_t from, n;
  unsigned i, k;

  start (MiB, page);
  for (i = 0; i < 5; ++i) {
    page_same (want, page, words[i]);
    CHECK (zram_pwrite (d, want, page, page) == 0);
    CHECK (disk_stats (d).same_pages == 1);
    CHECK (disk_stats (d).zero_pages == (words[i] == 0));
    CHECK (disk_stats (d).compr_data_size == 0);
    for (k = 0; k < 300; ++k) {
      from = k < 16 ? k : rng_below (&rng, page);
      n = 1 + rng_below (&rng, k & 1 ? 20 : page);
      n = n < page - from ? n : page - from;
      memset (got, 0x55, page);
      CHECK (zram_pread (d, got + from, n, page + from) == 0);
      CHECK (memcmp (got + from, want + from, n) == 0);
      CHECK (from == 0 || got[from - 1] == 0x55);
      CHECK (from + n == page || got[from + n] == 0x55);
    }
  }
  /* Partial writes that make a page same-filled, and no longer. */
  page_same (want, page, words[3]);
  CHECK (zram_pwrite (d, want, 100, page + 1000) == 0);
  compare (want, 100, page + 1000);
  CHECK (zram_pwrite (d, want, 1000, page) == 0);
  CHECK (zram_pwrite (d, want, page - 1100, page + 1100) == 0);
  CHECK (disk_stats (d).same_pages == 1);
  CHECK (disk_stats (d).compr_data_size == 0);
  want[17] ^= 1;
  CHECK (zram_pwrite (d, want + 17, 1, page + 17) == 0);
  CHECK (disk_stats (d).same_pages == 0);
  compare (want, page, page);
  finish ();
}

/* Huge ranges. */

static void
test_ranges (uint64_t size, uint32_t page)
{
  struct zram_stats st;
  uint64_t start_ms, i, pages = 0;
  unsigned char byte = 1;

  start (size, page);
  start_ms = cpu_ms ();
  for (i = 0; i < 32; ++i) {
    uint64_t offset = i * (size / 32) + i * 1000 + (i & 1);

    offset = offset < size - 4 * GiB ? offset : size - 4 * GiB;
    CHECK (zram_zero (d, 4 * GiB - 1, offset) == 0);
    pages += (offset + 4 * GiB - 1 + page - 1) / page - offset / page;
    CHECK (zram_pwrite (d, &byte, 1, offset + GiB) == 0);
  }
  st = disk_stats (d);
  CHECK (st.pages_stored == pages && st.zero_pages == pages - 32);
  printf ("32 times 4 GiB zeroed: %" PRIu64 " bytes of table, %" PRIu64
          " ms\n", st.mem_table, cpu_ms () - start_ms);
  CHECK (st.mem_table < 400 * 1024);
  for (i = 0; i < size; i += size / 1024)
    CHECK (zram_trim (d, 4 * GiB < size - i ? 4 * GiB : size - i, i) == 0);
  CHECK (zram_trim (d, size, 0) == 0);
  st = disk_stats (d);
  CHECK (st.pages_stored == 0 && st.mem_used_total < 40 * MiB);
  CHECK (zram_compact (d) == 0);
  CHECK (disk_stats (d).mem_segments == 0);
  if (!SANITIZED)
    CHECK (cpu_ms () - start_ms < 2000);
  finish ();
}

int
main (void)
{
  static const uint64_t sizes[] = {
    1, 2, 511, 4095, 4096, 4097, 8191, 8193, 65535, 65536, 65537,
    262143, 262145, 16 * MiB + 1, 128 * MiB - 1, 128 * MiB + 4095,
    16 * TiB - 1, 16 * TiB,
  };
  size_t i;

  rng = env_number ("ZRAM_SEED", 1);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    test_end (sizes[i], 0);
    test_end (sizes[i], 65536);
  }
  test_overflow ();
  for (i = 64; i <= 256; i *= 2) {      /* 1, 2 and 4 shards */
    test_boundaries (i * MiB, 4096);
    test_boundaries (i * MiB + 5000, 16384);
  }
  test_boundaries (3 * GiB, 65536);
  test_boundaries (16 * TiB, 4096);
  test_words (4096);
  test_words (65536);
  test_ranges (16 * TiB, 4096);
  test_ranges (16 * TiB, 65536);
  return 0;
}
