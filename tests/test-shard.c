/* nbdkit-zram: shards: which slot is whose, and what becomes of a slot.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every kind of page is published over every other kind, with memory and
 * without; what does not grow must succeed even at the limit, and what
 * is refused must leave the old page.
 */

#include <config.h>

#include <errno.h>

#include "shardlib.h"

/* Slot numbers. */

static void
test_numbers (void)
{
  static struct shard shards[SHARDS_MAX];
  static struct zram_disk d;
  uint64_t below[SHARDS_MAX], slot;
  unsigned i;

  d.shards = shards;
  for (d.map.shard_shift = 0; d.map.shard_shift <= 6; ++d.map.shard_shift) {
    memset (below, 0, sizeof below);
    for (slot = 0; slot < 3 * 64 * NODE_ENTRIES + 5; ++slot) {
      struct shard *owner = slot_shard (&d, slot);

      for (i = 0; i < shard_count (&d); ++i)
        CHECK (slots_below (&d, i, slot) == below[i]);
      i = (unsigned) (owner - shards);
      CHECK (i < shard_count (&d));
      CHECK (i == slot / NODE_ENTRIES % shard_count (&d));
      /* The shard's slots are numbered without gaps. */
      CHECK (slot_local (&d, slot) == below[i]++);
    }
    slot = (UINT64_C (1) << 32) - 1;    /* the largest disk */
    i = (unsigned) (slot_shard (&d, slot) - shards);
    CHECK (i == shard_count (&d) - 1);
    CHECK (slot_local (&d, slot) == (slot >> d.map.shard_shift));
    CHECK (slots_below (&d, i, slot + 1) ==
           UINT64_C (1) << (32 - d.map.shard_shift));
  }
}

/* Each kind over each kind. */

static void
test_transitions (void)
{
  static const uint64_t slots[] = { 0, 63, 64, 4095, 4096, SLOTS - 1 };
  unsigned from, to, i;

  start ();
  for (from = 0; from < PAGES; ++from)
    for (to = 0; to < PAGES; ++to) {
      for (i = 0; i < 6; ++i)
        CHECK (publish (slots[i], (enum page) from) == 0);
      verify ();
      for (i = 0; i < 6; ++i)
        CHECK (publish (slots[i], (enum page) to) == 0);
      verify ();
    }
  CHECK (counter_get (&s->n.store.raw_since) == 6 * PAGES * 2);
  for (i = 0; i < 6; ++i)
    CHECK (publish (slots[i], HOLE) == 0);
  verify ();
  CHECK (s->table.nodes.used == 0);
  finish ();
}

/* Bytes that a page takes, to tell what grows. */
static uint32_t
weight (enum page page)
{
  return page == RAW ? PAGE : length_of[page];
}

/* A page of one kind in slot 50, and no byte free beyond what is in use:
 * segments full to the last few bytes, no block kept hot.
 */
static void
fill_to_the_brim (enum page page)
{
  static const enum page order[] = { BIG, MIDDLE, SMALL, WORD };
  uint64_t slot;
  unsigned i;

  for (slot = 100; slot < 300; ++slot) {
    CHECK (publish (slot, slot % 5 ? BIG : RAW) == 0);
    if (slot == 150)
      CHECK (publish (50, page) == 0);
  }
  arena_cool (&s->store.arena);
  disk->account.limit = disk->account.held;
  for (i = 0; i < 4; ++i)
    while (publish (slot, order[i]) == 0)
      slot++;
  arena_cool (&s->store.arena);
  disk->account.limit = disk->account.held;
}

/* At the limit, what does not grow succeeds. */
static void
test_transitions_at_limit (void)
{
  unsigned from, to, refused = 0;
  bool grows;
  int r;

  for (from = 0; from < PAGES; ++from)
    for (to = 0; to < PAGES; ++to) {
      start ();
      fill_to_the_brim ((enum page) from);
      verify ();
      grows = weight ((enum page) to) > weight ((enum page) from) ||
        (from == HOLE && to == ZERO);   /* may need a node to say so */
      r = publish (50, (enum page) to);
      if (r < 0 && !grows)
        fail ("%u over %u was refused", to, from);
      refused += r < 0;
      CHECK (disk->account.held <= disk->account.limit);
      finish ();
    }
  CHECK (refused >= 10);
  printf ("%u growing transitions refused at the limit\n", refused);
}

/* An object in two fragments, at the limit: replaced by what is shorter
 * than its head, longer, and as long as the whole.
 */
static void
test_split_at_limit (void)
{
  static const enum page order[] = { MIDDLE, SMALL, WORD };
  unsigned char buf[PAGE], got[PAGE];
  struct fetch f = { .buf = got };
  struct content c;
  uint64_t slot, splits;
  uint32_t length;
  unsigned i;

  for (length = 3000; length > 0; length /= 3) {
    start ();
    for (slot = 100; slot < 103; ++slot)
      CHECK (publish (slot, BIG) == 0);
    CHECK (publish (103, MIDDLE) == 0);
    CHECK (publish (50, BIG) == 0);
    CHECK (counter_get (&s->n.store.arena.splits) == 1);
    arena_cool (&s->store.arena);
    disk->account.limit = disk->account.held;
    while (publish (slot, BIG) == 0)
      slot++;
    for (i = 0; i < 3; ++i)
      while (publish (slot, order[i]) == 0)
        slot++;
    splits = counter_get (&s->n.store.arena.splits);
    CHECK (splits >= 1);
    CHECK (publish (50, BIG) == 0);
    verify ();
    CHECK (counter_get (&s->n.store.arena.splits) == splits);

    c = make (BIG, ++next_seed, buf);
    c.object.length = length;
    CHECK (shard_publish (s, 50, &c) == 0);
    CHECK (shard_fetch (s, 50, &f) == 0);
    CHECK (f.content.object.length == length);
    CHECK (memcmp (got, buf, length) == 0);
    disk_recount (disk);
    CHECK (publish (50, HOLE) == 0);
    finish ();
  }
}

/* What is kept ready for one kind of page is given up for another. */
static void
test_relief (void)
{
  start ();
  CHECK (publish (0, WORD) == 0);
  CHECK (publish (0, ZERO) == 0);
  CHECK (s->store.arena.spare != NIL);
  disk->account.limit = disk->account.held;
  CHECK (publish (1, RAW) == 0);        /* the spare segment's memory */
  CHECK (publish (2, RAW) == 0);
  CHECK (s->store.arena.spare == NIL);
  disk->account.limit = disk->account.held;
  CHECK (publish (3, RAW) == -ENOSPC);
  CHECK (publish (1, ZERO) == 0 && publish (2, ZERO) == 0);
  CHECK (s->store.raw.nhot == 2);
  CHECK (publish (10000, ZERO) == 0);   /* nodes, of those there are */
  while (s->table.nodes.used < 16)
    CHECK (publish (64 * (s->table.nodes.used + 5), ZERO) == 0);
  CHECK (publish (13000, ZERO) == 0);   /* and of a hot raw page's memory */
  finish ();
}

/* Clearing. */

static void
clear (uint64_t from, uint64_t to, enum page empty)
{
  uint64_t freed = counter_get (&s->n.freed), i, objects = 0;
  struct claim before, within;

  for (i = from; i < to; ++i)
    objects += model[i] > ZERO;
  claim_take (&s->claims, &before, from - 1);
  claim_take (&s->claims, &within, from < to ? to - 1 : to);
  CHECK (shard_clear (s, from, to,
                      empty == ZERO ? CONTENT_ZERO : CONTENT_HOLE) == 0);
  CHECK (claim_drop (&s->claims, &within) ==
         (from == to || model[to - 1] == empty));
  CHECK (claim_drop (&s->claims, &before));
  memset (model + from, empty, to - from);
  CHECK (counter_get (&s->n.freed) - freed == (empty == HOLE ? objects : 0));
}

static void
test_clear (void)
{
  static const uint64_t ends[] = {
    0, 1, 63, 64, 65, 4032, 4095, 4096, 4097, 8192, SLOTS - 65, SLOTS - 64,
    SLOTS - 1, SLOTS,
  };
  const unsigned n = sizeof ends / sizeof ends[0];
  unsigned i, k;
  uint64_t j;

  start ();
  for (i = 0; i < n; ++i)
    for (k = i; k < n; ++k) {
      for (j = i; j < n; ++j)
        if (ends[j] < SLOTS)
          CHECK (publish (ends[j], (enum page) ((i + k + j) % PAGES)) == 0);
      clear (ends[i], ends[k], (i + k) % 3 ? HOLE : ZERO);
      disk_recount (disk);
      CHECK (counter_get (&s->n.stored) == SLOTS - count_of (HOLE, HOLE));
    }
  verify ();
  clear (0, SLOTS, ZERO);
  CHECK (s->table.nodes.used == 0);
  CHECK (counter_get (&s->n.zero) == SLOTS);
  clear (0, SLOTS, HOLE);
  CHECK (s->table.nodes.used == 0 && s->store.arena.segments.used <= 1);
  finish ();
}

/* No memory for nodes: zeroing stops where it must and the rest is as it
 * was; trimming does what it can and is content.
 */
static void
test_clear_at_limit (void)
{
  uint64_t i, zero;

  start ();
  disk->account.limit = disk->account.held;
  CHECK (shard_clear (s, 0, 4096, CONTENT_ZERO) == 0);  /* a root entry */
  CHECK (shard_clear (s, 4097, 4098, CONTENT_ZERO) == -ENOSPC);
  memset (model, ZERO, 4096);
  verify ();
  CHECK (shard_clear (s, 1, 2, CONTENT_HOLE) == 0);
  verify ();                            /* still a zero */
  CHECK (shard_clear (s, 4000, 3 * 4096 - 1, CONTENT_ZERO) == -ENOSPC);
  zero = counter_get (&s->n.zero);
  CHECK (zero == 2 * 4096);
  memset (model + 4096, ZERO, 4096);
  verify ();
  CHECK (shard_clear (s, 1, 8192, CONTENT_HOLE) == 0);
  memset (model + 4096, HOLE, 4096);
  verify ();
  CHECK (publish (10000, WORD) == -ENOSPC);
  CHECK (publish (10000, RAW) == -ENOSPC);
  CHECK (publish (10000, ZERO) == -ENOSPC);
  for (i = 0; i < 4096; i += 1000)
    CHECK (publish (i, ZERO) == 0);     /* no change */
  finish ();
}

static void
test_reset (void)
{
  struct claim claim;
  uint64_t i;

  start ();
  for (i = 0; i < 3000; ++i)
    CHECK (publish (i, (enum page) (i % PAGES)) == 0);
  clear (100, 200, HOLE);
  claim_take (&s->claims, &claim, 7);
  CHECK (shard_reset (s) == 0);
  CHECK (!claim_drop (&s->claims, &claim));
  memset (model, HOLE, sizeof model);
  verify ();
  CHECK (counter_get (&s->n.freed) == 0);
  CHECK (counter_get (&s->n.store.raw_since) == 0);
  CHECK (object_bytes (s) == 0);
  CHECK (s->store.arena.segments.resident == 0 && s->table.nodes.resident == 0);
  for (i = 0; i < 300; ++i)
    CHECK (publish (i, (enum page) (i % PAGES)) == 0);
  finish ();
}

int
main (void)
{
  next_seed = env_number ("ZRAM_SEED", 1) << 32;
  test_numbers ();
  test_transitions ();
  test_transitions_at_limit ();
  test_split_at_limit ();
  test_relief ();
  test_clear ();
  test_clear_at_limit ();
  test_reset ();
  return 0;
}
