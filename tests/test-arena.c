/* nbdkit-zram: the arena: split objects, replacing, squeezing in.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "arenalib.h"

/* Uniform sizes: segments hold little more than the objects. */

static double
overhead (const char *when)
{
  double over = 100.0 * ((double) held () / (double) total () - 1);

  printf (" %s %+.2f%%", when, over);
  return over;
}

static void
test_uniform (uint32_t length)
{
  uint64_t n = s->nslots / 2, i;

  printf ("objects of %u bytes:", length);
  for (i = 0; i < n; ++i)
    put (i, length);
  CHECK (overhead ("filled") < 2.5);
  verify ();
  for (i = 0; i < 2 * n; ++i) {
    put (rng_below (&rng, n), length);
    shard_compact_step (s, COMPACT_BUSY);
  }
  CHECK (overhead ("overwritten") < 3.5);
  verify ();
  for (i = 0; i < n; ++i)
    if (rng_next (&rng) & 1) {
      drop (i);
      shard_compact_step (s, COMPACT_BUSY);
    }
  while (shard_compact_step (s, COMPACT_IDLE))
    ;
  arena_cool (a);
  CHECK (overhead ("half trimmed") < 10);
  printf (", %" PRIu64 " split\n", counter_get (&s->n.store.arena.splits));
}

/* Splitting. */

static void
fill_uniform (uint32_t length, unsigned n)
{
  uint64_t i;

  for (i = 0; i < n; ++i)
    put (i, length);
}

static void
test_split (void)
{
  uint64_t i, n = 0;
  struct where w;

  start (4096);
  fill_uniform (3450, 1000);
  for (i = 0; i < 1000; ++i) {
    w = where (i);
    if (w.tail == NIL)
      continue;
    n++;
    CHECK (w.head != w.tail);
    CHECK (w.head_bytes + w.tail_bytes == 3450 + LINK_BYTES);
    CHECK (w.tail_bytes >= FRAGMENT_MIN && w.head_bytes >= RESIDUE_MIN);
  }
  CHECK (n > 100 && n == counter_get (&s->n.store.arena.splits));
  verify ();
  for (i = 0; i < 1000; ++i) {
    drop (i);
    if (i % 100 == 0)
      verify ();
  }
  CHECK (held () <= 2 * (l->segment + sizeof (struct segment)));
  CHECK (object_bytes (s) == 0);
  finish ();
}

/* A segment with a little less room than is worth a fragment, and one with
 * just enough.
 */
static void
test_split_limits (void)
{
  uint32_t leave, first, i;

  start (4096);
  for (leave = RESIDUE_MIN - 1; leave <= RESIDUE_MIN; ++leave) {
    fill_uniform (LARGE, 3);
    first = where (0).head;
    put (3, (uint32_t) segment_room (l, &a->segment[first], 1) - leave -
         DIRENT_BYTES);
    CHECK (where (3).head == first);
    CHECK (segment_room (l, &a->segment[first], 1) == (int32_t) leave);
    put (4, LARGE);
    CHECK ((where (4).tail == NIL) == (leave < RESIDUE_MIN));
    CHECK (leave < RESIDUE_MIN || where (4).head == first);
    CHECK (leave < RESIDUE_MIN || where (4).head_bytes == RESIDUE_MIN);
    verify ();
    for (i = 0; i < 5; ++i)
      drop (i);
  }
  finish ();
}

/* A rest too small for a fragment takes some of the head's bytes. */
static void
test_split_rest (void)
{
  const uint32_t lengths[] = { 3000, 3300, 3450, 3700, LARGE };
  uint32_t room, want;
  unsigned i;

  for (i = 0; i < 5; ++i) {
    start (4096);
    fill_uniform (LARGE, 3);
    want = lengths[i] + LINK_BYTES - 20;        /* room for all but 20 */
    room = (uint32_t) segment_room (l, &a->segment[where (0).head], 1);
    put (3, room - want - DIRENT_BYTES);
    put (4, lengths[i]);
    CHECK (where (4).tail != NIL && where (4).tail_bytes == FRAGMENT_MIN);
    CHECK (where (4).head_bytes == lengths[i] + LINK_BYTES - FRAGMENT_MIN);
    finish ();
  }
}

/* Replacing where it is. */

static void
test_replace_whole (void)
{
  const uint32_t lengths[] = { 1000, 999, 500, 8, 7, 1 };
  unsigned i;

  start (4096);
  fill_uniform (1000, 10);
  for (i = 0; i < 6; ++i) {
    uint64_t slot = 3 + i % 2;

    CHECK (!replace (slot, thing[slot].length + 1));
    check_slot (slot);
    CHECK (!replace (slot, l->object_max));
    CHECK (replace (slot, lengths[i]));
    verify ();
    CHECK (where (slot).tail == NIL);
  }
  finish ();
}

/* Every relation of the new length to head and tail. */
static void
test_replace_split (void)
{
  const struct { bool of_total; int32_t plus; } lengths[] = {
    { false, -100 }, { false, -4 }, { false, -1 }, { false, 0 },
    { false, 1 }, { false, 2 }, { true, -1 }, { true, 0 }, { true, 1 },
  };
  struct where w, v;
  uint32_t length, old;
  uint64_t slot, splits;
  unsigned i;

  for (i = 0; i < 10; ++i) {
    start (4096);
    fill_uniform (3450, 100);
    slot = find_split ();
    w = where (slot);
    splits = counter_get (&s->n.store.arena.splits);
    old = thing[slot].length;
    length = i == 9 ? FILL_BYTES : (uint32_t) lengths[i].plus +
      (lengths[i].of_total ? old : w.head_bytes);
    CHECK (replace (slot, length) == (length <= old));
    verify ();
    if (length <= old) {
      v = where (slot);
      CHECK (v.head == w.head);
      CHECK ((v.tail == NIL) == (length <= w.head_bytes));
      CHECK (counter_get (&s->n.store.arena.splits) ==
             splits - (v.tail == NIL));
      CHECK (!replace (slot, length + 1));
    }
    finish ();
  }
}

/* Squeezing in. */

static void
test_squeeze_whole (void)
{
  uint32_t first, entry;

  start (4096);
  CHECK (squeeze (9, 100, ENTRY_HOLE) == ENTRY_HOLE);   /* no segment */
  CHECK (arena_choose (a, SEGMENT_GRANULES + 100, except_none, NIL) == NIL);
  put (0, LARGE);
  first = where (0).head;
  entry = entry_make (TAG_OBJECT, first);
  CHECK (squeeze (0, 100, entry) == ENTRY_HOLE);        /* in the way */
  check_slot (0);
  CHECK (squeeze (1, 100, ENTRY_HOLE) == entry);
  CHECK (squeeze (2, l->object_max, ENTRY_HOLE) == entry);
  CHECK (squeeze (3, l->object_max, ENTRY_HOLE) == entry);
  CHECK (squeeze (4, l->object_max, ENTRY_HOLE) == entry);
  CHECK (squeeze (5, 1000, ENTRY_HOLE) == ENTRY_HOLE);  /* no more room */
  verify ();
  put (6, LARGE);                                       /* another one */
  CHECK (where (6).head != first);
  CHECK (squeeze (0, 100, entry) == entry_make (TAG_OBJECT, where (6).head));
  verify ();
  CHECK (squeeze (0, 200, table_get (&s->table, 0)) == entry);
  finish ();
}

/* Both fragments' segments are left out. */
static void
test_squeeze_split (void)
{
  struct where w;
  uint32_t entry;
  int32_t room;

  start (4096);
  fill_uniform (LARGE, 3);
  put (3, 2000);
  put (4, 3000);
  w = where (4);
  CHECK (w.tail != NIL && w.head == where (0).head);
  drop (0);
  CHECK (arena_choose (a, 100, except_none, NIL) != NIL);
  CHECK (squeeze (4, 100, table_get (&s->table, 4)) == ENTRY_HOLE);
  verify ();

  /* A third: fill the two up, then make room in all three. */
  put (0, LARGE);
  while ((room = segment_room (l, &a->segment[w.tail], 1)) > 0)
    put (100 + (uint64_t) room, room > (int32_t) LARGE ? LARGE
         : (uint32_t) room);
  put (5, LARGE);
  CHECK (where (5).head != w.head && where (5).head != w.tail);
  drop (0);
  entry = squeeze (4, 3500, table_get (&s->table, 4));
  CHECK (entry == entry_make (TAG_OBJECT, where (5).head));
  finish ();
}

/* Without a segment in reserve an object may be split over two that are
 * in use, but not over one of them and a new one.
 */
static void
test_squeeze_over_two (void)
{
  uint64_t listed;

  start (4096);
  fill_uniform (LARGE, 4);
  CHECK (replace (3, LARGE - 200));             /* 640 bytes left */
  CHECK (squeeze (9, 900, ENTRY_HOLE) == ENTRY_HOLE);
  verify ();
  put (3, LARGE);
  fill_uniform (LARGE, 8);
  CHECK (a->listed == 2);
  CHECK (replace (3, LARGE - 200) && replace (7, LARGE - 200));
  CHECK (arena_choose (a, 900, except_none, NIL) == NIL);
  listed = a->listed;
  CHECK (squeeze (9, 900, ENTRY_HOLE) != ENTRY_HOLE);
  CHECK (where (9).tail != NIL && a->listed == listed);
  finish ();
}

static void
test_reserve (void)
{
  start (4096);
  atomic_store (&disk->account.limit, atomic_load (&disk->account.held));
  CHECK (arena_reserve (a) == -ENOSPC && a->spare == NIL);
  verify ();
  atomic_store (&disk->account.limit, 0);
  CHECK (arena_reserve (a) == 0 && a->spare != NIL);
  atomic_store (&disk->account.limit, 1);
  CHECK (arena_reserve (a) == 0);       /* there is one already */
  verify ();
  arena_cool (a);
  CHECK (a->spare == NIL && held () == 0);
  CHECK (arena_reserve (a) == -ENOSPC);
  atomic_store (&disk->account.limit, 0);
  put (0, 100);
  put (1, 200);
  verify ();
  drop (0);
  drop (1);
  CHECK (a->listed == 0);
  arena_cool (a);
  CHECK (held () == 0);
  finish ();
}

int
main (void)
{
  static const uint32_t sizes[] = { 700, 1400, 2090, 2750, 3450 };
  unsigned i;

  rng = env_number ("ZRAM_SEED", 1);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    start (4096);
    test_uniform (sizes[i]);
    finish ();
  }
  test_split ();
  test_split_limits ();
  test_split_rest ();
  test_replace_whole ();
  test_replace_split ();
  test_squeeze_whole ();
  test_squeeze_split ();
  test_squeeze_over_two ();
  test_reserve ();
  return 0;
}
