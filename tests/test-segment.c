/* nbdkit-zram: one segment, to its last byte.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * For every page size.  After each step every object must have its bytes,
 * the descriptor must agree with the directory, and the directory with
 * the model; making room must move no more than the least that would do.
 */

#include <config.h>

#include <errno.h>

#include "segment.h"
#include "testlib.h"

#define OBJECTS_MAX 12000

struct thing {
  uint64_t slot;
  uint32_t length, size;        /* bytes, granules */
  enum kind kind;
  unsigned codec;
};

static struct layout l;
static char *base;              /* of exactly one segment: ASan guards it */
static struct segment s;
static struct thing thing[OBJECTS_MAX]; /* in address order */
static unsigned count;

static void
start (uint32_t page)
{
  l = layout_for_page (page);
  CHECK (l.segment == 4 * page && l.granule == page / 4096);
  CHECK (l.segment / l.granule == SEGMENT_GRANULES);
  base = aligned_alloc (4096, l.segment);
  CHECK (base != NULL);
  memset (base, 0xcc, l.segment);
  s = (struct segment) { .prev = 1, .next = 2 };
  count = 0;
}

static void
finish (void)
{
  CHECK (s.prev == 1 && s.next == 2);   /* none of its business */
  free (base);
}

/* The bytes of an object follow from its slot. */
static void
fill (char *p, uint64_t slot, uint32_t length)
{
  uint32_t i;

  for (i = 0; i < length; ++i)
    p[i] = (char) (slot * 7 + i * 13 + (i >> 8));
}

static void
check_bytes (const char *p, uint64_t slot, uint32_t length)
{
  uint32_t i;

  for (i = 0; i < length; ++i)
    if (p[i] != (char) (slot * 7 + i * 13 + (i >> 8)))
      fail ("byte %u of slot %" PRIu64 " is wrong", i, slot);
}

static void
verify (bool bytes)
{
  uint32_t i, used = 0;

  CHECK (s.count == count);
  CHECK (segment_check (&l, base, &s) == 0);
  for (i = 0; i < count; ++i) {
    const struct thing *t = &thing[i];
    uint64_t e = *segment_dirent (&l, base, i);

    CHECK (dirent_slot (&l, e) == t->slot);
    CHECK (dirent_length (&l, e) == t->length);
    CHECK (dirent_kind (e) == t->kind && dirent_coding (e) == t->codec);
    used += t->size;
    if (bytes)
      check_bytes (segment_bytes (&l, base, e), t->slot, t->length);
  }
  CHECK (s.used == used);
}

static uint32_t
offset_of (uint32_t i)
{
  return dirent_offset (*segment_dirent (&l, base, i));
}

/* The least that must be moved, in granules, so that a gap holds size:
 * every window of neighbouring gaps tried, one after the other.
 */
static uint64_t
least_move (uint32_t size)
{
  uint64_t best = UINT64_MAX, moved;
  int64_t room;
  uint32_t a, b, end;

  for (a = 0; a <= count; ++a) {
    end = a ? offset_of (a - 1) + thing[a - 1].size : 0;
    for (b = a, moved = 0; b <= count; moved += thing[b++].size) {
      room = b < count ? (int64_t) offset_of (b) - end - (int64_t) moved
        : (int64_t) SEGMENT_GRANULES - end - (int64_t) moved
          - segment_directory (&l, count + 1);
      /* the new entry must fit, whichever gap it is for */
      if (b < count && segment_tail_room (&l, &s, 1) < 0)
        room = -1;
      if (room >= (int64_t) size && moved < best)
        best = moved;
    }
  }
  return best;
}

/* Insert, and see that no more than the least was moved. */
static uint32_t
put (uint64_t slot, uint32_t length, enum kind kind, unsigned codec)
{
  uint32_t size = to_granules (&l, length), i, k, moved = 0;
  static uint32_t before[OBJECTS_MAX];
  bool takes = segment_takes (&l, &s, size), count_moves = count < 100;
  uint64_t least = count_moves ? least_move (size) : 0;

  CHECK (segment_room (&l, &s, 1) >= (int32_t) size);
  CHECK (!count_moves || takes == (least == 0));
  for (k = 0; k < count; ++k)
    before[k] = offset_of (k);
  i = segment_insert (&l, base, &s, slot, length, kind, codec);
  CHECK (i <= count);
  fill (segment_bytes (&l, base, *segment_dirent (&l, base, i)), slot,
        length);
  for (k = 0; k < count; ++k)
    if (offset_of (k < i ? k : k + 1) != before[k])
      moved += thing[k].size;
  /* What lies between two closed gaps may already be where it belongs. */
  CHECK (!count_moves || moved <= least);
  memmove (&thing[i + 1], &thing[i], (count - i) * sizeof thing[0]);
  thing[i] = (struct thing) { slot, length, size, kind, codec };
  count++;
  return i;
}

static void
drop (uint32_t i)
{
  segment_remove (&l, base, &s, i);
  count--;
  memmove (&thing[i], &thing[i + 1], (count - i) * sizeof thing[0]);
}

static void
cut (uint32_t i, uint32_t length, enum kind kind, unsigned codec)
{
  uint32_t at = offset_of (i);

  segment_shrink (&l, base, &s, i, length, kind, codec);
  CHECK (offset_of (i) == at);
  thing[i].length = length;
  thing[i].size = to_granules (&l, length);
  thing[i].kind = kind;
  thing[i].codec = codec;
}

/* The largest length that takes this many granules. */
static uint32_t
bytes (uint32_t granules)
{
  uint32_t n = granules << l.granule_shift;

  return n < l.page ? n : l.page - 1;
}

/* Four objects up to the directory: the last byte used, no other left. */
static void
fill_up (void)
{
  uint32_t size = (SEGMENT_GRANULES - segment_directory (&l, 4) + 3) / 4, i;

  for (i = 0; i < 3; ++i)
    put (l.slot_mask - i, bytes (size), KIND_OBJECT, 15);
  CHECK (segment_room (&l, &s, 1) ==
         (int32_t) (SEGMENT_GRANULES - 3 * size -
                    segment_directory (&l, 4)));
  size = (uint32_t) segment_room (&l, &s, 1);
  CHECK (segment_takes (&l, &s, size));
  CHECK (!segment_takes (&l, &s, size + 1));
  put (5, bytes (size), KIND_OBJECT, 0);
  verify (true);
  CHECK (segment_room (&l, &s, 0) == 0);
  CHECK (segment_room (&l, &s, 1) < 0);
  CHECK (!segment_takes (&l, &s, 1));
  CHECK (offset_of (3) + size + segment_directory (&l, 4) ==
         SEGMENT_GRANULES);
}

static void
test_full (uint32_t page)
{
  uint32_t size, i;

  for (i = 0; i < 4; ++i) {
    start (page);
    fill_up ();
    /* Out, and in again to the exact gap. */
    size = thing[i].size;
    drop (i);
    verify (true);
    CHECK (segment_takes (&l, &s, size) && !segment_takes (&l, &s, size + 1));
    CHECK (put (77, bytes (size), KIND_OBJECT, 3) == i);
    verify (true);
    CHECK (segment_room (&l, &s, 0) == 0);

    /* A gap there is, but no room for one entry more at the tail: the
     * rest has to move down, to the last byte again.
     */
    cut (i, bytes (thing[i].size - 100), KIND_HEAD, 9);
    verify (true);
    CHECK (i == 3 || !segment_takes (&l, &s, 1));
    size = (uint32_t) segment_room (&l, &s, 1);
    CHECK (size == 100 - (segment_directory (&l, 5) -
                          segment_directory (&l, 4)));
    put (78, bytes (size), KIND_TAIL, 4);
    verify (true);
    CHECK (segment_room (&l, &s, 0) == 0);
    finish ();
  }
}

/* As many of the smallest objects as there can be. */
static void
test_tiny (uint32_t page)
{
  uint32_t n, want;

  start (page);
  for (want = 0; (want + 1) * to_granules (&l, FILL_BYTES) +
         segment_directory (&l, want + 1) <= SEGMENT_GRANULES; ++want)
    ;
  for (n = 0; segment_room (&l, &s, 1) >=
         (int32_t) to_granules (&l, FILL_BYTES); ++n) {
    CHECK (n < OBJECTS_MAX);
    put (n, FILL_BYTES, KIND_FILL, 0);
  }
  CHECK (n == want && (page != 4096 || n == 1024));
  printf ("page %u: %u fills a segment\n", page, n);
  verify (true);
  CHECK (segment_find (&l, base, &s, n - 1, false) == (int) n - 1);
  CHECK (segment_find (&l, base, &s, n, false) == -1);

  /* Every other one goes; what comes closes windows of gaps. */
  for (n = count; n-- > 0; )
    if (n % 2)
      drop (n);
  verify (true);
  while (segment_room (&l, &s, 1) >= 300)
    put (100000 + count, bytes (300), KIND_OBJECT, 2);
  verify (true);
  while (count)
    drop (count % 3 == 0 ? 0 : count % 3 == 1 ? count - 1 : count / 2);
  verify (true);
  CHECK (s.used == 0 && s.tail == 0 && s.gap == 0);
  finish ();
}

/* Sliding: gaps of 10, 20, ... granules between objects of different
 * sizes; objects that need one, two, ... all of the gaps.
 */
static void
test_windows (uint32_t page)
{
  uint32_t want, i;

  for (want = 10; want <= 400; want += 15) {
    start (page);
    for (i = 0; i < 24; ++i)
      put (i, bytes (100 + i * 37 % 90), KIND_OBJECT, 1);
    while (segment_room (&l, &s, 1) > 30)
      put (100 + count, bytes (segment_room (&l, &s, 1) > 2000 ? 2000
                               : (uint32_t) segment_room (&l, &s, 1)),
           KIND_OBJECT, 1);
    for (i = 1; i < 20; i += 2)
      cut (i, bytes (thing[i].size - 10 * (1 + i % 7)), KIND_OBJECT, 2);
    drop (22);
    verify (true);
    if (segment_room (&l, &s, 1) >= (int32_t) want)
      put (999, bytes (want), KIND_OBJECT, 1);
    verify (true);
    finish ();
  }
}

/* Two entries for a slot, told apart by what they are. */
static void
test_find (uint32_t page)
{
  start (page);
  put (8, 50, KIND_OBJECT, 0);
  put (9, 100, KIND_HEAD, 1);
  put (l.slot_mask, 70, KIND_TAIL, 0);
  put (9, 60, KIND_TAIL, 1);
  put (0, 8, KIND_FILL, 0);
  verify (true);
  CHECK (segment_find (&l, base, &s, 9, false) == 1);
  CHECK (segment_find (&l, base, &s, 9, true) == 3);
  CHECK (segment_find (&l, base, &s, 8, true) == -1);
  CHECK (segment_find (&l, base, &s, 8, false) == 0);
  CHECK (segment_find (&l, base, &s, l.slot_mask, true) == 2);
  CHECK (segment_find (&l, base, &s, l.slot_mask, false) == -1);
  CHECK (segment_find (&l, base, &s, 0, false) == 4);
  drop (1);
  CHECK (segment_find (&l, base, &s, 9, false) == -1);
  CHECK (segment_find (&l, base, &s, 9, true) == 2);
  verify (true);
  finish ();
}

/* segment_check sees damage. */
static void
test_check (uint32_t page)
{
  uint64_t *e, good;
  struct segment ok;

  start (page);
  put (1, bytes (500), KIND_OBJECT, 0);
  put (2, bytes (600), KIND_OBJECT, 0);
  put (3, bytes (700), KIND_OBJECT, 0);
  drop (1);
  verify (true);
  ok = s;
#define SEE(damage, repair)                             \
  damage;                                               \
  CHECK (segment_check (&l, base, &s) == -EIO);         \
  repair;                                               \
  CHECK (segment_check (&l, base, &s) == 0)
  SEE (s.used++, s = ok);
  SEE (s.tail--, s = ok);
  SEE (s.gap++, s = ok);
  SEE (s.count--, s = ok);
  e = segment_dirent (&l, base, 1);
  good = *e;
  SEE (*e = dirent_pack (&l, 3, 499, bytes (700), KIND_OBJECT, 0), *e = good);
  SEE (*e = dirent_pack (&l, 3, 1100, 0, KIND_OBJECT, 0), *e = good);
  SEE (*e = dirent_pack (&l, 3, SEGMENT_GRANULES - 1, bytes (700),
                         KIND_OBJECT, 0), *e = good);
#undef SEE
  finish ();
}

static uint32_t
some_length (uint64_t *rng, unsigned mix)
{
  switch ((rng_below (rng, 4) + mix) % 6) {
  case 0: return 1 + (uint32_t) rng_below (rng, 40);
  case 1: return FILL_BYTES;
  case 2: return 1 + (uint32_t) rng_below (rng, l.page / 4);
  case 3: return l.page - 1 - (uint32_t) rng_below (rng, 100);
  default: return 1 + (uint32_t) rng_below (rng, l.page - 1);
  }
}

static void
test_model (uint32_t page, uint64_t *rng)
{
  uint32_t length, i;
  unsigned n, mix = 0;

  start (page);
  for (n = 0; n < 4000; ++n) {
    if (n % 400 == 0)
      mix = (unsigned) rng_below (rng, 6);
    length = some_length (rng, mix);
    switch (rng_below (rng, 8)) {
    case 0: case 1: case 2: case 3:
      if (segment_room (&l, &s, 1) < (int32_t) to_granules (&l, length))
        length = segment_room (&l, &s, 1) > 0 && rng_below (rng, 4) == 0
          ? bytes ((uint32_t) segment_room (&l, &s, 1)) : 0;
      if (length && length < l.page && count < OBJECTS_MAX)
        put (rng_below (rng, l.slot_mask + 1), length,
             (enum kind) rng_below (rng, 4), n % 16);
      break;
    case 4: case 5:
      if (count) {
        i = (uint32_t) rng_below (rng, count);
        if (thing[i].length > 1)
          cut (i, 1 + (uint32_t) rng_below (rng, thing[i].length),
               (enum kind) rng_below (rng, 4), n % 16);
      }
      break;
    default:
      if (count)
        drop ((uint32_t) rng_below (rng, count));
    }
    verify (n % 8 == 0);
  }
  verify (true);
  finish ();
}

int
main (void)
{
  uint64_t rng = env_number ("ZRAM_SEED", 1);
  uint32_t page;

  for (page = ZRAM_PAGE_MIN; page <= ZRAM_PAGE_MAX; page *= 2) {
    test_full (page);
    test_tiny (page);
    test_windows (page);
    test_find (page);
    test_check (page);
    test_model (page, &rng);
  }
  return 0;
}
