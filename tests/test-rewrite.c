/* nbdkit-zram: stored pages written anew, in another form.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Pages are rewritten from one codec to another, small ones and such as do
 * not gain; a write, a trim or a shrink comes between each step and the
 * next; memory ends; and nothing is read back but what was written.
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "disk.h"
#include "disklib.h"
#include "rewrite.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define SIZE (8 * MiB)

static struct zram_disk *d;
static struct shard *s;
static struct rewriter r;
static struct coding_kind kind;
static struct codec codec, *in_use;     /* what the rewriter compresses with */

/* Text-like pages, which one codec makes smaller than the other. */
static void
text (unsigned char *page, unsigned seed)
{
  uint64_t rng = seed + 1;
  size_t i;

  for (i = 0; i < PAGE; ++i)
    page[i] = i % 64 < 40 ? (unsigned char) i % 64
      : (unsigned char) ("etaoin shrdlu"[rng_next (&rng) % 13]);
}

static void
put (unsigned slot, unsigned seed)
{
  unsigned char page[PAGE];

  text (page, seed);
  CHECK (zram_pwrite (d, page, PAGE, (uint64_t) slot * PAGE) == 0);
}

static void
expect (unsigned slot, unsigned seed)
{
  unsigned char want[PAGE], got[PAGE];

  text (want, seed);
  CHECK (zram_pread (d, got, PAGE, (uint64_t) slot * PAGE) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
}

static bool
any (void *opaque, const struct zram_slot *about)
{
  (void) opaque;
  CHECK (about->bytes > 0 && !(about->flags & ZRAM_SLOT_SAME));
  return true;
}

static bool
none (void *opaque, const struct zram_slot *about)
{
  (void) about;
  ++*(unsigned *) opaque;
  return false;
}

static int
rewrite (unsigned slot, uint32_t *gained)
{
  return rewrite_page (&r, s, slot, any, NULL, gained);
}

static struct zram_slot
about (unsigned slot)
{
  struct zram_slot a;

  shard_lock (s);
  CHECK (shard_describe (s, slot, &a));
  shard_unlock (s);
  return a;
}

static void
test_forms (void)
{
  unsigned char noise[PAGE];
  unsigned asked = 0;
  uint32_t gained, before;
  uint64_t words[1] = { 5 };

  put (0, 0);
  page_make (noise, PAGE, PAGE, 7);
  CHECK (zram_pwrite (d, noise, PAGE, PAGE) == 0);
  page_same (noise, PAGE, words[0]);
  CHECK (zram_pwrite (d, noise, PAGE, 2 * PAGE) == 0);
  CHECK (zram_mark_idle (d, 0) == 0);

  /* It becomes smaller, once; nobody has accessed it. */
  before = about (0).bytes;
  CHECK (rewrite (0, &gained) == REWRITE_DONE);
  CHECK (gained > 100 && about (0).bytes == before - gained);
  CHECK (about (0).flags & ZRAM_SLOT_IDLE);
  CHECK (about (0).coding == r.encoder.coding);
  CHECK (rewrite (0, &gained) == REWRITE_NO_GAIN && gained == 0);
  CHECK (!(about (0).flags & ZRAM_SLOT_INCOMPRESSIBLE));
  expect (0, 0);
  r.gives_up = r.wakes = true;
  CHECK (zram_mark_idle (d, 0) == 0);
  CHECK (rewrite (0, &gained) == REWRITE_NO_GAIN);
  CHECK ((about (0).flags & (ZRAM_SLOT_INCOMPRESSIBLE | ZRAM_SLOT_IDLE)) ==
         ZRAM_SLOT_INCOMPRESSIBLE);
  put (0, 1);                   /* a write takes the mark off */
  CHECK (about (0).flags == 0);
  r.gives_up = r.wakes = false;

  /* A page that does not compress, one of a word, a hole, no page. */
  CHECK (rewrite (1, &gained) == REWRITE_NO_GAIN);
  CHECK (rewrite (2, &gained) == REWRITE_LEFT);
  CHECK (rewrite (3, &gained) == REWRITE_LEFT);
  CHECK (rewrite (SIZE / PAGE, &gained) == REWRITE_LEFT);
  CHECK (rewrite_page (&r, s, 0, none, &asked, &gained) == REWRITE_LEFT);
  CHECK (asked == 1);

  /* Only if it comes below so many bytes. */
  r.below = 100;
  CHECK (rewrite (0, &gained) == REWRITE_NO_GAIN);
  r.below = PAGE;
  CHECK (rewrite (0, &gained) == REWRITE_DONE);
  r.below = 0;
  r.gain = PAGE;
  put (0, 2);
  CHECK (rewrite (0, &gained) == REWRITE_NO_GAIN);
  r.gain = 1;
  expect (0, 2);
  disk_recount (d);
}

/* While the rewriter compresses the slot is changed by one of these. */
static unsigned meanwhile;
enum { WRITE, WRITE_PART, TRIM, ZERO, SHRINK, RESET, READ, OTHER, CHANGES };

static void
change (void)
{
  char message[ZRAM_MESSAGE_MAX];
  unsigned char part[10] = { 1 };

  switch (meanwhile) {
  case WRITE: put (4, 100); break;
  case WRITE_PART: CHECK (zram_pwrite (d, part, 10, 4 * PAGE) == 0); break;
  case TRIM: CHECK (zram_trim (d, PAGE, 4 * PAGE) == 0); break;
  case ZERO: CHECK (zram_zero (d, PAGE, 4 * PAGE) == 0); break;
  case SHRINK:
    CHECK (zram_trim (d, PAGE, 4 * PAGE) == 0);
    CHECK (zram_resize (d, 4 * PAGE, message) == 0);
    break;
  case RESET: CHECK (zram_reset (d) == 0); break;
  case READ: expect (4, 4); break;
  case OTHER: put (5, 5); break;
  }
}

static int
compress (const void *params, void *compressor, const void *src,
          size_t src_len, void *dst, size_t dst_len)
{
  in_use->compress = codec.compress;
  change ();
  return codec.compress (params, compressor, src, src_len, dst, dst_len);
}

static void
test_changes (void)
{
  char message[ZRAM_MESSAGE_MAX];
  unsigned char got[PAGE];
  uint32_t gained;

  for (meanwhile = 0; meanwhile < CHANGES; ++meanwhile) {
    put (4, 4);
    in_use->compress = compress;
    CHECK (rewrite (4, &gained) ==
           (meanwhile < READ ? REWRITE_LEFT : REWRITE_DONE));
    CHECK (!s->claims.first);
    if (meanwhile == SHRINK)
      CHECK (zram_resize (d, SIZE, message) == 0);
    CHECK (zram_pread (d, got, PAGE, 4 * PAGE) == 0);
    if (meanwhile == WRITE)
      expect (4, 100);
    else if (meanwhile >= READ)
      expect (4, 4);
    else if (meanwhile == WRITE_PART)
      CHECK (got[0] == 1 && got[1] == 0);
    else
      CHECK (got[0] == 0 && memcmp (got, got + 1, PAGE - 1) == 0);
    disk_recount (d);
  }
}

/* At the limit a page still shrinks; a job that does not fit is refused. */
static void
test_limit (void)
{
  struct rewriter more;
  struct coding_kind other = kind;
  uint32_t gained;

  put (6, 6);
  CHECK (zram_compact (d) == 0);
  zram_set_mem_limit (d, 1);
  CHECK (rewrite (6, &gained) == REWRITE_DONE);
  expect (6, 6);
  other.level = kind.level + 1;
  CHECK (rewriter_open (&more, &d->parts, &other) == -ENOSPC);
  disk_recount (d);
  zram_set_mem_limit (d, 0);
  CHECK (rewriter_open (&more, &d->parts, &other) == 0);
  CHECK (more.encoder.coding != r.encoder.coding);
  rewriter_close (&more);
  disk_recount (d);
}

int
main (void)
{
  struct zram_params p = { .size = SIZE, .algo = "lz4" };
  uint64_t held;
  unsigned i, coding;

  if (!codec_get (1) || codec_find ("lz4") < 0 || codec_find ("zstd") < 0)
    return 77;
  d = disk_open (&p);
  s = slot_shard (d, 0);
  held = disk_stats (d).mem_codecs;
  kind = (struct coding_kind) {
    .id = (unsigned) codec_find ("zstd"), .level = 6, .priority = 1,
  };
  CHECK (rewriter_open (&r, &d->parts, &kind) == 0);
  CHECK (disk_stats (d).mem_codecs > held);
  in_use = (struct codec *) (uintptr_t) codec_get (kind.id);
  codec = *in_use;
  test_forms ();
  test_changes ();
  test_limit ();

  /* The job has ended; its objects are read, and then its coding goes. */
  for (i = 0; i < 100; ++i) {
    put (i, i);
    CHECK (rewrite (i, &(uint32_t) { 0 }) == REWRITE_DONE);
  }
  coding = r.encoder.coding;
  rewriter_close (&r);
  CHECK (d->codings.coding[coding].codec && !d->codings.coding[coding].params);
  for (i = 0; i < 100; ++i)
    expect (i, i);
  disk_recount (d);
  CHECK (zram_trim (d, SIZE, 0) == 0);
  codings_tidy (&d->parts);
  CHECK (!d->codings.coding[coding].codec);
  CHECK (disk_stats (d).mem_codecs == held);
  disk_recount (d);
  zram_close (d);
  return 0;
}
