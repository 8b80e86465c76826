/* nbdkit-zram: damaged objects.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Finds objects where they lie and changes their bytes, their lengths and
 * the rest of their directory entries.  A read then answers -EIO or other
 * bytes, all of the bytes asked for and none beyond, and counts; other
 * pages are what they were, and so is this one when the damage is undone.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define SLOTS 300               /* in use: enough to make some split */

static struct zram_disk *d;
static struct shard *s;
static const struct layout *l;
static uint32_t page;
static uint64_t rng, errors, others, same;
static unsigned char *before, *after;   /* a page each, exactly */

/* Contents: words, objects of several lengths, many of a length that does
 * not go into a segment evenly; nothing raw but the last.
 */
static void
make (unsigned char *buf, uint64_t slot)
{
  if (slot % 10 == 0)
    page_same (buf, page, slot * UINT64_C (0x100000001000003) | 1);
  else
    page_make (buf, page, slot + 1 == SLOTS ? page
               : slot > 100 ? page * 5 / 8 : page * (slot % 10) / 12, slot);
}

static int
read_slot (uint64_t slot, unsigned char *buf, int before_it)
{
  memset (buf, before_it, page);
  return zram_pread (d, buf, page, slot * page);
}

static void
check_slot (uint64_t slot)
{
  make (before, slot);
  CHECK (read_slot (slot, after, 0x55) == 0);
  CHECK (memcmp (before, after, page) == 0);
}

static void
start (const char *algo, uint32_t page_size)
{
  struct zram_params p = { .size = 16 * MiB + 512, .page_size = page_size,
    .algo = algo };
  uint64_t i;

  page = page_size;
  if (page > 4096)
    p.size = SLOTS * page;
  d = disk_open (&p);
  s = &d->shards[0];
  CHECK (shard_count (d) == 1);
  l = &d->layout;
  before = malloc (page);
  after = malloc (page);
  CHECK (before && after);
  for (i = 0; i < SLOTS; ++i) {
    make (before, i);
    CHECK (zram_pwrite (d, before, page, i * page) == 0);
  }
  errors = others = same = 0;
}

static void
finish (void)
{
  uint64_t i;

  for (i = 0; i < SLOTS; ++i)
    check_slot (i);
  disk_recount (d);
  CHECK (disk_stats (d).corrupt >= errors);
  zram_close (d);
  free (before);
  free (after);
}

/* A slot's object, or its head; its tail if it has one. */
struct lies {
  uint64_t *e, *tail_e;         /* directory entries */
  char *p, *tail_p;             /* bytes */
  uint32_t n, tail_n;
};

static uint64_t *
find_entry (uint32_t id, uint64_t slot, bool tail)
{
  char *base = arena_base (&s->store.arena, id);
  int i = segment_find (l, base, &s->store.arena.segment[id], slot, tail);

  CHECK (i >= 0);
  return segment_dirent (l, base, (uint32_t) i);
}

static struct lies
find (uint64_t slot)
{
  uint32_t id = entry_id (table_get (&s->table, slot)), tail_id;
  struct lies f = { .e = find_entry (id, slot, false) };

  f.p = segment_bytes (l, arena_base (&s->store.arena, id), *f.e);
  f.n = dirent_length (l, *f.e);
  if (dirent_kind (*f.e) == KIND_HEAD) {
    tail_id = link_get (f.p);
    f.tail_e = find_entry (tail_id, slot, true);
    f.tail_p = segment_bytes (l, arena_base (&s->store.arena, tail_id),
                              *f.tail_e);
    f.tail_n = dirent_length (l, *f.tail_e);
  }
  return f;
}

/* Read a damaged page, whole and in part. */
static void
try_read (uint64_t slot)
{
  struct zram_stats was = disk_stats (d), is;
  uint32_t from = (uint32_t) rng_below (&rng, page), n;
  int r = read_slot (slot, before, 0x00);

  CHECK (r == 0 || r == -EIO);
  CHECK (read_slot (slot, after, 0xff) == r);
  is = disk_stats (d);
  CHECK (is.failed_reads - was.failed_reads == (r < 0 ? 2 : 0));
  CHECK (is.corrupt - was.corrupt == (r < 0 ? 2 : 0));
  CHECK (is.reads - was.reads == 2);
  CHECK (is.read_bytes - was.read_bytes == (r < 0 ? 0 : 2 * page));

  /* What was there before must not shine through. */
  CHECK (r < 0 || memcmp (before, after, page) == 0);
  n = 1 + (uint32_t) rng_below (&rng, page - from);
  CHECK (zram_pread (d, after, n, slot * page + from) == r);
  CHECK (r < 0 || memcmp (after, before + from, n) == 0);
  if (r < 0) {
    errors++;
    /* Nothing can be merged with it, and it is left alone. */
    if (n < page) {
      CHECK (zram_pwrite (d, after, n, slot * page + from) == -EIO);
      CHECK (zram_zero (d, n, slot * page + from) == -EIO);
      CHECK (zram_trim (d, n, slot * page + from) == -EIO);
      CHECK (disk_stats (d).failed_writes == is.failed_writes + 3);
    }
  }
  else {
    make (after, slot);
    if (memcmp (before, after, page) == 0)
      same++;
    else
      others++;
  }
  check_slot ((slot + 1) % SLOTS);
  check_slot ((slot + SLOTS - 1) % SLOTS);
}

/* Bytes of the payload. */
static void
damage_bytes (uint64_t slot)
{
  struct lies f = find (slot);
  unsigned i, k, n = f.n + f.tail_n;
  char *at, was[4];

  for (i = 0; i < 30; ++i) {
    k = i < 12 ? i : i < 18 ? n - 1 - (i - 12)
      : (unsigned) rng_below (&rng, n);
    k %= n;
    at = k < f.n ? f.p + k : f.tail_p + (k - f.n);
    was[0] = *at;
    *at = (char) (*at ^ (i & 1 ? 0xff : 1 << rng_below (&rng, 8)));
    try_read (slot);
    *at = was[0];
    check_slot (slot);
  }
  /* All of it noise. */
  {
    char *old = malloc (f.n);

    memcpy (old, f.p, f.n);
    for (i = 0; i < 10; ++i) {
      for (k = f.tail_e ? LINK_BYTES : 0; k < f.n; ++k)
        f.p[k] = (char) rng_next (&rng);
      try_read (slot);
    }
    memset (f.p, 0, f.n);
    try_read (slot);
    memset (f.p, 0xff, f.n);
    try_read (slot);
    memcpy (f.p, old, f.n);
    free (old);
    check_slot (slot);
  }
}

/* An entry with one field other than it is. */
enum field { LENGTH, OFFSET, KIND, CODEC };

static void
damage_entry (uint64_t slot, uint64_t *e, enum field field, uint32_t value)
{
  static unsigned char buf[2 * ZRAM_PAGE_MAX];
  uint64_t was = *e, errors_before = errors;
  uint32_t length = dirent_length (l, was), total;
  struct lies f = find (slot);
  struct object o;
  struct found at;

  *e = dirent_pack (l, dirent_slot (l, was),
                    field == OFFSET ? value : dirent_offset (was),
                    field == LENGTH ? value : length,
                    field == KIND ? (enum kind) value : dirent_kind (was),
                    field == CODEC ? value : dirent_coding (was));
  try_read (slot);
  /* Longer than any object: not for the buffer. */
  total = f.n + f.tail_n - (f.tail_e ? LINK_BYTES : 0);
  total += dirent_length (l, *e) - length;
  if (total > l->object_max)
    CHECK (arena_find (&s->store.arena,
                       entry_id (table_get (&s->table, slot)), slot,
                       &at) < 0 ||
           arena_load (&s->store.arena, &at, buf, &o) == -EIO);
  /* What is beyond the segment is nobody's to read. */
  if (dirent_offset (*e) + to_granules (l, dirent_length (l, *e)) >
      SEGMENT_GRANULES)
    CHECK (errors == errors_before + 1);
  *e = was;
  check_slot (slot);
}

static void
damage_entries (uint64_t slot)
{
  struct lies f = find (slot);
  uint64_t *e, errors_before;
  unsigned which, i;

  for (which = 0; which < (f.tail_e ? 2 : 1); ++which) {
    uint32_t n = which ? f.tail_n : f.n;
    const uint32_t lengths[] = {
      0, 1, 2, 3, 4, 5, 7, 8, 9, n / 2, n - 1, n + 1, n + 100,
      l->object_max, l->object_max + 1, page - 1,
    };
    const uint32_t offsets[] = {
      0, 1, SEGMENT_GRANULES / 2, SEGMENT_GRANULES - 1,
      SEGMENT_GRANULES - to_granules (l, n),
      SEGMENT_GRANULES - to_granules (l, n) + 1,
    };

    e = which ? f.tail_e : f.e;
    for (i = 0; i < sizeof lengths / sizeof lengths[0]; ++i)
      damage_entry (slot, e, LENGTH, lengths[i] & (page - 1));
    for (i = 0; i < sizeof offsets / sizeof offsets[0]; ++i)
      damage_entry (slot, e, OFFSET, offsets[i]);
    for (i = 0; i < 4; ++i)
      damage_entry (slot, e, KIND, i);
    for (i = 0; i < CODINGS_MAX; ++i) {
      /* Nobody else's codec is in use: no other id can be read. */
      errors_before = errors;
      damage_entry (slot, e, CODEC, i);
      if (!which && i != dirent_coding (*e) && dirent_kind (*e) != KIND_FILL)
        CHECK (errors == errors_before + 1);
    }
  }
}

/* The head says that the tail is elsewhere. */
static void
damage_link (uint64_t slot)
{
  const uint32_t ids[] = {
    0, 1, 2, entry_id (table_get (&s->table, slot)), 1000, ID_MAX - 1,
    ID_MAX, NIL - 1, NIL,
  };
  struct lies f = find (slot);
  uint32_t was = link_get (f.p);
  uint64_t errors_before = errors;
  unsigned i;

  for (i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
    link_set (f.p, ids[i]);
    try_read (slot);
    link_set (f.p, was);
    check_slot (slot);
  }
  CHECK (errors >= errors_before + 4);
}

/* Damaged bytes are no obstacle to writing the whole page, or trimming. */
static void
overwrite (uint64_t slot)
{
  struct lies f = find (slot);

  memset (f.p + (f.tail_e ? LINK_BYTES : 0), 0xff,
          f.n - (f.tail_e ? LINK_BYTES : 0));
  if (slot & 1)
    CHECK (zram_trim (d, page, slot * page) == 0);
  make (before, slot);
  CHECK (zram_pwrite (d, before, page, slot * page) == 0);
  check_slot (slot);
  disk_recount (d);
}

/* An object that cannot even be found is lost, and its place with it; the
 * page can still be written.
 */
static void
test_lost (void)
{
  struct lies f;

  start (zram_codec_info (0)->name, 4096);
  f = find (3);
  *f.e = dirent_pack (l, 3, dirent_offset (*f.e), f.n, KIND_TAIL, 0);
  CHECK (read_slot (3, before, 0) == -EIO);
  make (before, 3);
  CHECK (zram_pwrite (d, before, page, 3 * page) == 0);
  check_slot (3);
  check_slot (2);
  check_slot (4);
  zram_close (d);
  free (before);
  free (after);
}

static void
test_codec (const char *algo, uint32_t page_size)
{
  uint64_t slot, split = 0, words = 0;

  start (algo, page_size);
  for (slot = 0; slot < SLOTS; slot += 1 + slot % 3) {
    struct lies f;

    if (entry_is_raw (table_get (&s->table, slot)))
      continue;
    f = find (slot);
    /* A few of each kind are enough; all that are split. */
    if (slot > 60 && !f.tail_e)
      continue;
    split += f.tail_e != NULL;
    words += dirent_kind (*f.e) == KIND_FILL;
    damage_bytes (slot);
    damage_entries (slot);
    if (f.tail_e)
      damage_link (slot);
    if (split > 6)
      break;
  }
  printf ("%s, page %u: %" PRIu64 " errors, %" PRIu64 " other bytes, %"
          PRIu64 " unharmed; %" PRIu64 " were split\n", algo, page_size,
          errors, others, same, split);
  CHECK (errors > 100 && others > 0 && words > 0 && split > 0);
  for (slot = 0; slot < SLOTS; slot += 7)
    if (!entry_is_raw (table_get (&s->table, slot)))
      overwrite (slot);
  finish ();
}

int
main (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  rng = env_number ("ZRAM_SEED", 1);
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    test_codec (info->name, 4096);
  test_codec (zram_codec_info (0)->name, 65536);
  test_lost ();
  return 0;
}
