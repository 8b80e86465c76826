/* nbdkit-zram: runs of recompression.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The largest pages are done first, as many as the job allows; a run goes
 * through the disk in pieces where memory is short, ends when it is told to,
 * and what it holds is charged.
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "recompresslib.h"

/* The smallest page that was done, and the largest that was not. */
struct border {
  uint32_t was[PAGES];
  uint32_t smallest, largest;
};

static int
note_size (void *opaque, const struct zram_slot *about)
{
  struct border *b = opaque;

  b->was[about->slot] = about->bytes;
  return 0;
}

static int
note_border (void *opaque, const struct zram_slot *about)
{
  struct border *b = opaque;
  uint32_t was = b->was[about->slot];

  if (about->flags & ZRAM_SLOT_RECOMPRESSED) {
    CHECK (about->bytes < was);
    if (was < b->smallest)
      b->smallest = was;
  }
  else if (was > b->largest)
    b->largest = was;
  return 0;
}

static void
test_order (void)
{
  static struct border b;
  struct recompress_job j = job ();
  struct zram_stats before;
  unsigned i;

  fill ();
  before = disk_stats (d);
  b.smallest = UINT32_MAX;
  CHECK (zram_each_slot (d, 0, note_size, &b) == 0);
  j.max_pages = 1000;
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  CHECK (j.tried == 1000 && j.done == 1000 && !j.ended);
  CHECK (pages_done () == 1000);
  CHECK (zram_each_slot (d, 0, note_border, &b) == 0);
  CHECK (b.largest / 64 <= b.smallest / 64);
  CHECK (before.compr_data_size - disk_stats (d).compr_data_size == j.gained);
  CHECK (j.bytes > j.gained);

  j.max_pages = 0;
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  CHECK (j.tried == PAGES - 1000);
  j = job ();
  CHECK (recompress_run (&d->recompressor, &j) == 0 && j.tried == 0);
  for (i = 0; i < PAGES; ++i)
    expect (i, size_of (i));
  disk_recount (d);
}

/* When memory is short the lists are, too; it is all charged. */
static void
test_limit (void)
{
  struct recompress_job j = job ();
  uint64_t held;

  fill ();
  CHECK (zram_compact (d) == 0);
  held = disk_stats (d).mem_used_total;
  zram_reset_peak (d);
  zram_set_mem_limit (d, held);
  CHECK (recompress_run (&d->recompressor, &j) == -ENOSPC && j.tried == 0);
  CHECK (disk_stats (d).mem_used_total <= held);
  disk_recount (d);

  /* What an encoder needs, and next to nothing beside it. */
  while (recompress_run (&d->recompressor, &j) == -ENOSPC)
    zram_set_mem_limit (d, zram_mem_limit (d) + 4096);
  CHECK (j.done == PAGES);
  CHECK (disk_stats (d).mem_used_max <= zram_mem_limit (d));
  zram_set_mem_limit (d, 0);
  disk_recount (d);
}

/* Raw pages of so few different bytes that zstd makes half of them. */
static void
put_raw (uint64_t slot)
{
  unsigned char bytes[PAGE];
  uint64_t rng = slot + 1;
  unsigned i;

  for (i = 0; i < PAGE; ++i)
    bytes[i] = (unsigned char) (rng_next (&rng) & 15);
  CHECK (zram_pwrite (d, bytes, PAGE, slot * PAGE) == 0);
}

/* From the first page on there is no memory to be had. */
static bool
no_more (void *opaque)
{
  (void) opaque;
  zram_set_mem_limit (d, 1);
  return true;
}

/* Raw pages would need room for an object beside them.  The run ends there,
 * or goes on with objects, which shrink where they are; and then there is
 * room.
 */
static void
test_no_room (void)
{
  struct recompress_job j = job ();
  struct zram_stats st;
  unsigned i;

  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  for (i = 0; i < 10; ++i)
    put_raw (i);
  CHECK (zram_compact (d) == 0);
  CHECK (disk_stats (d).huge_pages == 10);
  j.proceed = no_more;
  CHECK (recompress_run (&d->recompressor, &j) == -ENOSPC);
  CHECK (j.tried == 1 && j.done == 0 && j.gained == 0);
  CHECK (disk_stats (d).huge_pages == 10);
  disk_recount (d);
  zram_set_mem_limit (d, 0);

  for (i = 10; i < 200; ++i)
    put (i, size_of (i));
  CHECK (zram_compact (d) == 0);
  j = job ();
  j.proceed = no_more;
  j.skips = true;
  st = disk_stats (d);
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  CHECK (j.tried == 200 && j.done >= 190 && j.done < 200);
  CHECK (st.compr_data_size - disk_stats (d).compr_data_size == j.gained);
  CHECK (disk_stats (d).huge_pages == 200 - j.done);
  disk_recount (d);
  CHECK (recompress_run (&d->recompressor, &j) == -ENOSPC);
  zram_set_mem_limit (d, 0);
  j.proceed = NULL;
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  CHECK (disk_stats (d).huge_pages == 0);
  for (i = 10; i < 200; ++i)
    expect (i, size_of (i));
}

/* A page that is damaged ends the run, skipped or not; the rest stays. */
static struct codec codec, *in_use;

static int
damaged (const void *reader, void *decompressor, const void *src,
         size_t src_len, void *dst, size_t dst_len)
{
  (void) reader, (void) decompressor, (void) src, (void) src_len;
  (void) dst, (void) dst_len;
  in_use->decompress = codec.decompress;
  return -EIO;
}

static void
test_damage (void)
{
  struct recompress_job j = job ();

  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  put (7, 2000);
  put (8, 1000);
  in_use = (struct codec *) (uintptr_t)
    codec_get ((unsigned) codec_find ("lz4"));
  codec = *in_use;
  in_use->decompress = damaged;
  j.skips = true;
  CHECK (recompress_run (&d->recompressor, &j) == -EIO);
  CHECK (j.tried == 1 && j.done == 0 && pages_done () == 0);
  CHECK (recompress_run (&d->recompressor, &j) == 0 && j.done == 2);
  expect (7, 2000);
  expect (8, 1000);
  disk_recount (d);
}

/* Whether to go on. */
static unsigned asked, until;

static bool
proceed (void *opaque)
{
  (void) opaque;
  if (asked % 512 == 0)
    disk_recount (d);           /* what the run holds is in the account */
  return asked++ < until;
}

static void
test_end (void)
{
  struct recompress_job j = job ();

  fill ();
  j.proceed = proceed;
  for (until = 0; until < 3; ++until) {
    asked = 0;
    CHECK (recompress_run (&d->recompressor, &j) == 0);
    CHECK (j.ended && j.tried == 0 && asked == until + 1);
  }
  asked = 0;
  until = 2000;
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  CHECK (j.ended && j.tried > 1000 && j.tried < 2000);
  CHECK (pages_done () == j.done);
}

/* A page here and there on a disk of 16 TiB: looking takes no time. */
static void
test_sparse (void)
{
  const uint64_t far = ZRAM_SIZE_MAX / PAGE - 64;
  struct zram_params p = { .size = ZRAM_SIZE_MAX, .algo = "lz4" };
  struct recompress_job j = job ();
  uint64_t ms;
  unsigned i;

  d = disk_open (&p);
  CHECK (zram_zero (d, ZRAM_SIZE_MAX / 2, 0) == 0);
  for (i = 0; i < 64; ++i) {
    put (far + i, 1000);
    put (i * (far / 64), 1000);
  }
  ms = cpu_ms ();
  CHECK (recompress_run (&d->recompressor, &j) == 0);
  ms = cpu_ms () - ms;
  CHECK (j.done == 128);
  for (i = 0; i < 64; ++i)
    expect (far + i, 1000);
  CHECK (SANITIZED || ms < 2000);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  struct zram_params p = { .size = PAGES * PAGE, .algo = "lz4" };
  uint64_t held;

  if (!choose_kind ())
    return 77;
  d = disk_open (&p);
  held = disk_stats (d).mem_codecs;
  test_order ();
  test_limit ();
  test_no_room ();
  test_damage ();
  test_end ();
  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  codings_tidy (&d->parts);
  CHECK (disk_stats (d).mem_codecs == held);
  disk_recount (d);
  zram_close (d);
  test_sparse ();
  return 0;
}
