/* nbdkit-zram: extents: exactly what is there, clipped and joined.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Compared extent by extent with a list made from a model of every page,
 * for ranges that begin and end anywhere, on disks of one and of several
 * shards and with ranges that one entry of the table speaks for.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGES_MAX (1u << 19)

static struct zram_disk *d;
static uint64_t rng, size;
static uint32_t page;
static unsigned char type[PAGES_MAX];   /* enum zram_extent, of each page */

struct walk {
  uint64_t next, end;
  unsigned emitted, stop_after;
};

/* The extent that the model has at this offset, joined, clipped to end. */
static uint64_t
expected (uint64_t offset, uint64_t end)
{
  uint64_t first = offset / page, last = (end - 1) / page, i;

  for (i = first + 1; i <= last && type[i] == type[first]; ++i)
    ;
  return (i * page < end ? i * page : end) - offset;
}

static int
see (void *opaque, uint64_t offset, uint64_t length, enum zram_extent t)
{
  struct walk *w = opaque;

  CHECK (offset == w->next && offset < w->end);
  CHECK ((int) t == type[offset / page]);
  CHECK (length == expected (offset, w->end));
  w->next += length;
  w->emitted++;
  return w->stop_after && w->emitted == w->stop_after ? 77 : 0;
}

static void
check (uint64_t count, uint64_t offset)
{
  struct walk w = { offset, offset + count, 0, 0 };
  unsigned all;

  CHECK (zram_extents (d, count, offset, see, &w) == 0);
  CHECK (w.next == w.end && (w.emitted == 0) == (count == 0));
  all = w.emitted;
  if (all == 0)
    return;
  /* Stopped at any of them, the last included. */
  w = (struct walk) { offset, offset + count, 0,
                      1 + (unsigned) rng_below (&rng, all) };
  CHECK (zram_extents (d, count, offset, see, &w) == 77);
  CHECK (w.emitted == w.stop_after);
}

static void
put (uint64_t n)
{
  static unsigned char buf[65536];
  uint64_t length = n * page + page <= size ? page : size - n * page;

  page_same (buf, page, UINT64_C (0x1111111111111111));
  CHECK (zram_pwrite (d, buf, length, n * page) == 0);
  type[n] = ZRAM_EXTENT_DATA;
}

/* A part of a page was cleared: a hole may have become allocated zeroes.
 * Data is made whole again, or parts would add up to zeroes.
 */
static void
cleared_part (uint64_t n, bool trim)
{
  if (type[n] == ZRAM_EXTENT_DATA)
    put (n);
  else if (!trim)
    type[n] = ZRAM_EXTENT_ZERO;
}

static void
clear (uint64_t count, uint64_t offset, bool trim)
{
  uint64_t end = offset + count, first = (offset + page - 1) / page;
  uint64_t last = end == size ? (end + page - 1) / page : end / page;

  CHECK ((trim ? zram_trim (d, count, offset)
          : zram_zero (d, count, offset)) == 0);
  if (count == 0)
    return;
  if (first < last)
    memset (type + first, trim ? ZRAM_EXTENT_HOLE : ZRAM_EXTENT_ZERO,
            last - first);
  if (offset % page)
    cleared_part (offset / page, trim);
  if (end % page && end < size)
    cleared_part (end / page, trim);
}

static uint64_t
some_offset (void)
{
  static const unsigned units[] = { 1, 1, 64, 256, 4096, 16384 };
  uint64_t unit = (uint64_t) page * units[rng_below (&rng, 6)];
  uint64_t x = rng_below (&rng, size / unit + 1) * unit;

  if (rng_below (&rng, 3) == 0)
    x += rng_below (&rng, 2 * page) - page;
  return x < size ? x : size;
}

/* Zeroes in all the leaves of one shard, which fold, and nowhere else. */
static void
test_one_shard (void)
{
  uint64_t leaf = (uint64_t) page * NODE_ENTRIES;
  unsigned n = shard_count (d), k, i;

  for (k = 0; k < n; ++k) {
    clear (size, 0, k & 1);
    check (size, 0);
    for (i = 0; i < NODE_ENTRIES && (i * n + k + 1) * leaf <= size; ++i)
      clear (leaf, (i * n + k) * leaf, !(k & 1));
    check (size, 0);
  }
}

static void
test_disk (uint64_t bytes, uint32_t page_size)
{
  struct zram_params p = { .size = bytes, .page_size = page_size,
    .algo = zram_codec_info (0)->name };
  uint64_t a, b, i;

  size = bytes;
  page = page_size;
  CHECK ((size + page - 1) / page <= PAGES_MAX);
  memset (type, ZRAM_EXTENT_HOLE, sizeof type);
  d = disk_open (&p);
  printf ("page %u, %" PRIu64 " MiB, %u shards\n", page, size / MiB,
          shard_count (d));
  check (size, 0);
  check (0, 0);
  check (0, size);
  check (1, size - 1);
  for (i = 0; i < 300; ++i) {
    a = some_offset ();
    b = some_offset ();
    if (a > b) {
      uint64_t t = a;

      a = b;
      b = t;
    }
    if (a < size && rng_below (&rng, 3))
      put (a / page);
    if (b - a < size / 8 || rng_below (&rng, 4) == 0)
      clear (b - a, a, rng_next (&rng) & 1);
    check (b - a, a);
    a = some_offset ();
    check (rng_below (&rng, size - a + 1), a);
    if (i % 20 == 0)
      check (size, 0);
  }
  test_one_shard ();
  clear (size, 0, false);
  check (size, 0);
  check (size / 2, size / 4);
  disk_recount (d);
  zram_close (d);
}

/* The disk becomes small, and its table another, while it is being told. */
static int
see_vanish (void *opaque, uint64_t offset, uint64_t length,
            enum zram_extent t)
{
  uint64_t *next = opaque;
  char message[ZRAM_MESSAGE_MAX];

  CHECK (offset == *next);
  *next += length;
  if (offset == 0) {
    CHECK (t == ZRAM_EXTENT_DATA);
    CHECK (zram_reset (d) == 0);
    CHECK (zram_resize (d, 512, message) == 0);
    CHECK (zram_reset (d) == 0);
  }
  else                          /* one that was pending, then nothing */
    CHECK (t == ZRAM_EXTENT_HOLE || offset < 128 * MiB);
  return 0;
}

static void
test_vanishing (void)
{
  struct zram_params p = { .size = ZRAM_SIZE_MAX };
  uint64_t next = 0, i;

  d = disk_open (&p);
  for (i = 0; i < 64; ++i)
    CHECK (zram_pwrite (d, "x", 1, i * ZRAM_SIZE_MAX / 64) == 0);
  CHECK (zram_extents (d, ZRAM_SIZE_MAX, 0, see_vanish, &next) == 0);
  CHECK (next == ZRAM_SIZE_MAX);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  rng = env_number ("ZRAM_SEED", 1);
  test_disk (64 * MiB + 1, 4096);
  test_disk (128 * MiB - 1, 4096);
  test_disk (1024 * MiB + 12345, 4096);
  test_disk (300 * MiB, 65536);
  test_disk (1, 4096);
  test_disk (4097, 4096);
  test_vanishing ();
  return 0;
}
