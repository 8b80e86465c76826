/* nbdkit-zram: compaction: what moves, what stays, when it gives up.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Situations made by hand (both fragments of an object in the victim, one
 * of them, both in the segment they move to; objects changed while their
 * segment is being emptied; nowhere to move to), then random operations
 * that must come through all of these by themselves.
 */

#include <config.h>

#include <errno.h>

#include "arenalib.h"

/* How often the random test met what it is there for. */
static struct {
  uint64_t head_moved, tail_moved, whole_moved;
  uint64_t together;            /* head and tail in one segment */
  uint64_t freed, replaced;     /* an object in the victim */
  uint64_t stalls, squeezed, refused;
} met;

static uint64_t
moved (void)
{
  return counter_get (&s->n.store.arena.moved);
}

static uint64_t
emptied (void)
{
  return counter_get (&s->n.store.arena.emptied);
}

/* A step; the first object it moves, if it moves one, is noted. */
static bool
step (void)
{
  enum kind kind = KIND_OBJECT;
  uint64_t before = moved ();
  uint32_t v = a->victim;
  bool more;

  if (v != NIL)
    kind = dirent_kind (*segment_dirent (l, arena_base (a, v),
                                         a->segment[v].count - 1u));
  more = store_compact_step (&s->store, &s->table);
  if (v != NIL && moved () != before) {
    met.head_moved += kind == KIND_HEAD;
    met.tail_moved += kind == KIND_TAIL;
    met.whole_moved += kind == KIND_OBJECT;
  }
  met.stalls += !more && v != NIL;
  return more;
}

/* An object in two fragments, wherever we like. */
static void
put_split (uint64_t slot, uint32_t head_id, uint32_t head_bytes,
           uint32_t tail_id, uint32_t tail_bytes, bool tail_first)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  struct thing t = some_thing (head_bytes + tail_bytes);
  char *p;

  make (buf, &t);
  if (tail_first)
    memcpy (arena_put (a, tail_id, slot, tail_bytes, KIND_TAIL, t.coding),
            buf + head_bytes, tail_bytes);
  p = arena_put (a, head_id, slot, head_bytes + LINK_BYTES, KIND_HEAD,
                 t.coding);
  link_set (p, tail_id);
  memcpy (p + LINK_BYTES, buf, head_bytes);
  if (!tail_first)
    memcpy (arena_put (a, tail_id, slot, tail_bytes, KIND_TAIL, t.coding),
            buf + head_bytes, tail_bytes);
  arena_tally (a, &(struct object) { buf, t.length, KIND_OBJECT, t.coding },
               1);
  counter_add (&s->n.store.arena.splits, 1);
  set (slot, entry_make (TAG_OBJECT, head_id), &t);
}

/* Segment x, to be the victim, and y with room for what is in it. */
static void
start_two (uint32_t *x, uint32_t *y)
{
  uint64_t i;

  start (4096);
  for (i = 0; i < 4; ++i)
    put (i, LARGE);
  *y = where (0).head;
  put (10, LARGE);
  *x = where (10).head;
  CHECK (*x != *y && where (3).head == *y);
}

static void
test_fragments (void)
{
  uint32_t x, y, variant;
  struct where w;

  /* bit 0: the head is in the victim, bit 1: the tail is, bit 2: which
   * was made first
   */
  for (variant = 0; variant < 8; ++variant) {
    if ((variant & 3) == 0)
      continue;
    start_two (&x, &y);
    drop (1);
    put_split (20, variant & 1 ? x : y, 700, variant & 2 ? x : y, 300,
               variant & 4);
    drop (10);
    verify ();
    CHECK (step () && a->victim == NIL && emptied () == 1);
    CHECK (moved () == 1 + ((variant & 3) == 3));
    w = where (20);
    CHECK (w.head == w.tail && w.head == y);
    finish ();
  }
}

/* A tail whose head cannot be found stays where it is. */
static void
test_lost_head (void)
{
  uint32_t x, y;
  uint64_t *e;
  int i;

  start_two (&x, &y);
  drop (1);
  put_split (20, y, 700, x, 300, false);
  drop (10);
  i = segment_find (l, arena_base (a, y), &a->segment[y], 20, false);
  CHECK (i >= 0);
  e = segment_dirent (l, arena_base (a, y), (uint32_t) i);
  *e ^= 1;
  CHECK (!step () && moved () == 0 && a->victim == NIL);
  *e ^= 1;
  verify ();
  a->stalled_steps = 0;
  CHECK (step () && where (20).tail == y);
  finish ();
}

/* Both fragments in one segment, in both orders: freed, and replaced with
 * every relation of lengths.
 */
static void
test_together (void)
{
  static const uint32_t lengths[] = { 1, 300, 703, 704, 705, 999, 1000 };
  uint32_t x, y, i;

  for (i = 0; i < 16; ++i) {
    start_two (&x, &y);
    put_split (20, x, 700, x, 300, i & 1);
    put (22, 1200);
    CHECK (where (22).head == x);
    verify ();
    if (i / 2 == 7)
      drop (20);
    else {
      CHECK (!replace (20, 1001));
      CHECK (replace (20, lengths[i / 2]));
      CHECK ((where (20).tail == NIL) == (lengths[i / 2] <= 704));
    }
    verify ();
    drop (10);
    drop (0);
    CHECK (step () && a->victim == NIL && emptied () == 1);
    CHECK (a->listed == 1);
    finish ();
  }
}

/* A victim that is not empty after a step: its object is freed, replaced
 * and overwritten as if nothing were going on.
 */
static void
test_half_way (void)
{
  uint32_t what, x;
  uint64_t i;

  for (what = 0; what < 6; ++what) {
    start (4096);
    for (i = 0; i < 16; ++i)
      put (i, LARGE);
    for (i = 20; i < 24; ++i)   /* what is left of the four */
      put (i, 400);
    for (i = 16; i < 19; ++i)
      put (i, LARGE);
    x = where (16).head;
    CHECK (where (18).head == x && a->listed == 5);
    for (i = 0; i < 16; i += 4)
      drop (i);
    CHECK (step () && a->victim == x && moved () == 2);
    verify ();
    switch (what) {
    case 0: break;
    case 1: put (16, 100); break;
    case 2: CHECK (replace (16, 50) && replace (16, 8)); break;
    case 3: drop (16); break;
    case 4: put (16, LARGE); break;
    case 5: CHECK (squeeze (16, LARGE, entry_make (TAG_OBJECT, x))); break;
    }
    CHECK ((a->victim == NIL) == (what & 1 || what == 4));
    verify ();
    while (a->victim != NIL)
      CHECK (step ());
    CHECK (where (18).head != x);
    finish ();
  }
}

/* Large objects, each segment with a little room: none can be emptied.
 * That is found out once, and then not tried again until there is much
 * more room, or many steps were asked for.
 */
static void
test_stall (void)
{
  unsigned i, steps;

  start (4096);
  CHECK (!step ());             /* there is nothing at all */
  for (i = 0; i < 400; ++i)
    put (i, LARGE);
  CHECK (a->listed == 100 && arena_wants_compaction (a, COMPACT_NOW));
  CHECK (!step () && a->victim == NIL && moved () == 0);
  steps = a->stalled_steps;
  CHECK (steps > 100);
  for (i = 1; i < steps; ++i)
    CHECK (!step () && a->stalled_steps == steps - i);
  CHECK (!step ());
  CHECK (!step () && a->stalled_steps == steps);        /* tried again */
  verify ();

  /* A segment's worth more of room, and it goes on at once. */
  for (i = 0; i < 16; i += 2)
    drop (i);
  CHECK (step () && a->stalled_steps == 0 && moved () > 0);
  while (step ())
    verify ();
  CHECK (emptied () == 2 && a->listed == 98);
  finish ();
}

/* It stalls in the middle of a segment: what is left stays, listed. */
static void
test_stall_half_way (void)
{
  uint64_t i;
  uint32_t x;

  start (4096);
  for (i = 0; i < 40; ++i)
    put (i, LARGE);
  for (i = 50; i < 60; ++i)     /* too little left to split into */
    put (i, 400);
  for (i = 40; i < 43; ++i)
    put (i, LARGE);
  x = where (40).head;
  CHECK (where (42).head == x && a->listed == 11);
  drop (0);
  CHECK (!step () && a->victim == NIL && moved () == 1);
  CHECK (where (40).head == x && where (41).head == x);
  CHECK (a->listed == 11 && emptied () == 0);
  finish ();
}

/* Three quarters go: the memory follows. */
static void
test_returns (uint32_t page)
{
  uint64_t i, n = 4000 / (page / 4096) + 100;

  start (page);
  for (i = 0; i < n; ++i)
    put (i, 1 + (uint32_t) rng_below (&rng, l->object_max));
  for (i = 0; i < n; ++i)
    if (rng_below (&rng, 4))
      drop (i);
  verify ();
  while (arena_wants_compaction (a, COMPACT_NOW) && step ())
    ;
  arena_cool (a);
  printf ("page %u: three quarters gone, %+.2f%%, %" PRIu64 " moved, "
          "%" PRIu64 " segments emptied\n", page,
          100.0 * ((double) held () / (double) total () - 1), moved (),
          emptied ());
  CHECK (held () < total () + total () / 20 + 2 * l->segment);
  CHECK (emptied () > 0 && moved () > emptied ());
  finish ();
}

/* Random. */

static uint32_t
some_length (unsigned mix)
{
  uint32_t max = l->object_max;

  switch ((rng_below (&rng, 3) + mix) % 6) {
  case 0: return FILL_BYTES;
  case 1: return 1 + (uint32_t) rng_below (&rng, max / 8);
  case 2: return max * 2 / 3 + (uint32_t) rng_below (&rng, 40);
  case 3: return max - (uint32_t) rng_below (&rng, max / 16);
  default: return 1 + (uint32_t) rng_below (&rng, max);
  }
}

static bool
in_victim (uint64_t slot)
{
  struct where w = where (slot);

  met.together += w.head == w.tail;
  return a->victim != NIL && (w.head == a->victim || w.tail == a->victim);
}

static void
change (uint64_t slot, unsigned mix)
{
  bool there = thing[slot].length != 0;
  uint32_t old = table_get (&s->table, slot), length = some_length (mix);
  bool victim = there && in_victim (slot);

  switch (rng_below (&rng, 8)) {
  case 0: case 1: case 2:
    put (slot, length);
    met.freed += victim;
    break;
  case 3: case 4:
    if (there) {
      drop (slot);
      met.freed += victim;
    }
    break;
  case 5:
    if (squeeze (slot, length, old) == ENTRY_HOLE)
      met.refused++;
    else
      met.squeezed++;
    break;
  default:
    if (there) {
      bool longer = rng_below (&rng, 8) == 0;

      length = longer ? thing[slot].length + 1
        : 1 + (uint32_t) rng_below (&rng, thing[slot].length);
      CHECK (replace (slot, length) == !longer);
      met.replaced += victim && !longer;
    }
  }
}

/* Any slot, or one that has a fragment in the victim. */
static uint64_t
some_slot (void)
{
  uint32_t i;

  if (a->victim == NIL || rng_below (&rng, 8))
    return rng_below (&rng, 600);
  i = (uint32_t) rng_below (&rng, a->segment[a->victim].count);
  return dirent_slot (l, *segment_dirent (l, arena_base (a, a->victim), i));
}

static void
test_random (uint32_t page)
{
  uint64_t n, slot;
  unsigned mix = 0;

  start (page);
  for (n = 0; n < 12000; ++n) {
    if (n % 500 == 0)
      mix = (unsigned) rng_below (&rng, 6);
    slot = some_slot ();
    change (slot, mix);
    check_slot (slot);
    if (rng_below (&rng, 3) == 0)
      step ();
    if (rng_below (&rng, 400) == 0)
      arena_cool (a);
    if (n % 250 == 0)
      verify ();
  }
  finish ();
}

int
main (void)
{
  rng = env_number ("ZRAM_SEED", 1);
  test_fragments ();
  test_lost_head ();
  test_together ();
  test_half_way ();
  test_stall ();
  test_stall_half_way ();
  test_returns (4096);
  test_returns (65536);
  test_random (4096);
  test_random (65536);
  printf ("moved: heads %" PRIu64 ", tails %" PRIu64 ", whole %" PRIu64
          "; together %" PRIu64 "; in the victim: freed %" PRIu64
          ", replaced %" PRIu64 "; stalls %" PRIu64 "; squeezed %" PRIu64
          ", refused %" PRIu64 "\n", met.head_moved, met.tail_moved,
          met.whole_moved, met.together, met.freed, met.replaced,
          met.stalls, met.squeezed, met.refused);
  CHECK (met.head_moved && met.tail_moved && met.whole_moved);
  CHECK (met.together && met.freed && met.replaced);
  CHECK (met.squeezed && met.refused);
  return 0;
}
