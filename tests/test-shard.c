/* nbdkit-zram: shards: which slot is whose, and what becomes of a slot.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every kind of page is published over every other kind, with memory and
 * without; what does not grow must succeed even at the limit, and what
 * is refused must leave the old page.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define PAGE 4096u
#define LARGE 3968u             /* four fill a segment, all but 448 bytes */
#define SLOTS 16384u

/* Kinds of pages, as a shard sees them. */
enum page { HOLE, ZERO, WORD, SMALL, MIDDLE, BIG, RAW, PAGES };
static const uint32_t length_of[PAGES] = {
  [WORD] = FILL_BYTES, [SMALL] = 50, [MIDDLE] = 2000, [BIG] = LARGE,
};

static struct zram_disk *disk;
static struct shard *s;
static unsigned char model[SLOTS];      /* enum page */
static uint64_t seed_of[SLOTS], next_seed;

/* What is handed to the shard for a page of this kind. */
static struct content
make (enum page page, uint64_t seed, unsigned char *buf)
{
  struct content c = { .type = CONTENT_HOLE, .page = buf };

  page_make (buf, PAGE, PAGE, seed);
  if (page == ZERO)
    c.type = CONTENT_ZERO;
  else if (page == RAW)
    c.type = CONTENT_RAW;
  else if (page != HOLE) {
    c.type = CONTENT_OBJECT;
    c.object = (struct object) { buf, length_of[page],
      page == WORD ? KIND_FILL : KIND_OBJECT, seed % 16 };
  }
  return c;
}

/* Fetched, it is what was published; or, where memory was short and the
 * old page was raw, the new page raw.
 */
static void
check_slot (uint64_t slot)
{
  static unsigned char want[PAGE], got[PAGE], raw[PAGE];
  struct content c;
  struct fetch f = {
    .buf = got, .raw = (char *) raw, .from = slot % 7 * 100,
    .n = 1 + slot % 1000,
  };

  CHECK (shard_fetch (s, slot, &f) == 0);
  if (model[slot] == HOLE) {
    CHECK (f.content.type == CONTENT_HOLE);
    return;
  }
  c = make (model[slot], seed_of[slot], want);
  if (f.content.type == CONTENT_RAW && c.type == CONTENT_OBJECT)
    model[slot] = RAW;
  else
    CHECK (f.content.type == c.type);
  if (f.content.type == CONTENT_RAW)
    CHECK (memcmp (raw, want + f.from, f.n) == 0);
  if (f.content.type != CONTENT_OBJECT)
    return;
  CHECK (f.content.object.data == got);
  CHECK (f.content.object.length == c.object.length);
  CHECK (f.content.object.kind == c.object.kind);
  CHECK (f.content.object.coding == c.object.coding);
  CHECK (memcmp (got, want, c.object.length) == 0);
}

static uint64_t
count_of (enum page from, enum page to)
{
  uint64_t i, n = 0;

  for (i = 0; i < SLOTS; ++i)
    n += model[i] >= from && model[i] <= to;
  return n;
}

static void
verify (void)
{
  uint64_t i;

  for (i = 0; i < SLOTS; ++i)
    check_slot (i);
  CHECK (counter_get (&s->n.stored) == SLOTS - count_of (HOLE, HOLE));
  CHECK (counter_get (&s->n.zero) == count_of (ZERO, ZERO));
  CHECK (counter_get (&s->n.store.raw) == count_of (RAW, RAW));
  CHECK (counter_get (&s->n.store.arena.fills) == count_of (WORD, WORD));
  disk_recount (disk);
}

static int
publish (uint64_t slot, enum page page)
{
  unsigned char buf[PAGE];
  uint64_t seed = ++next_seed;
  struct content c = make (page, seed, buf);
  struct claim here, beside;
  bool unbroken;
  int r;

  claim_take (&s->claims, &here, slot);
  claim_take (&s->claims, &beside, slot ^ 64);
  r = shard_publish (s, slot, &c);
  unbroken = claim_drop (&s->claims, &here);
  CHECK (claim_drop (&s->claims, &beside) && !s->claims.first);
  CHECK (r == 0 || r == -ENOSPC);
  if (r < 0) {
    CHECK (unbroken);
    check_slot (slot);
    return r;
  }
  CHECK (unbroken == (page == model[slot] && page <= ZERO));
  model[slot] = (unsigned char) page;
  seed_of[slot] = seed;
  check_slot (slot);
  return 0;
}

static void
start (void)
{
  struct zram_params p = { .size = (uint64_t) SLOTS * PAGE,
    .algo = zram_codec_info (0)->name };

  memset (model, HOLE, sizeof model);
  disk = disk_open (&p);
  CHECK (shard_count (disk) == 1);
  s = &disk->shards[0];
}

static void
finish (void)
{
  disk->account.limit = 0;
  verify ();
  zram_close (disk);
}

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

/* Both there, as they are between placing and freeing. */
static void
check_both (const struct stored *old, uint32_t entry, enum page page)
{
  static unsigned char buf[PAGE], got[PAGE], raw[PAGE];
  struct content c = make (page, next_seed, buf);
  struct fetch f = { .buf = got, .raw = (char *) raw, .n = PAGE };
  struct stored new;

  check_slot (50);
  CHECK (store_find (&s->store, entry, 50, &new) == 0 && !new.lost);
  CHECK (page <= ZERO || entry != old->entry);
  CHECK (new.at.id == NIL || (new.at.id != old->at.id &&
                              new.at.id != old->at.tail_id &&
                              (new.at.tail_id == NIL ||
                               (new.at.tail_id != old->at.id &&
                                new.at.tail_id != old->at.tail_id))));
  CHECK (store_load (&s->store, &new, &f) == 0 && f.content.type == c.type);
  if (c.type == CONTENT_OBJECT)
    CHECK (memcmp (got, buf, c.object.length) == 0);
  if (c.type == CONTENT_RAW)
    CHECK (memcmp (raw, buf, PAGE) == 0);
}

/* A page is placed beside the old one, then either of them is freed: the
 * other is as it was.
 */
static void
test_beside (enum page from, enum page to)
{
  unsigned char buf[PAGE];
  struct content c;
  struct stored old, new;
  uint32_t entry;

  CHECK (publish (50, from) == 0);
  c = make (to, ++next_seed, buf);
  CHECK (store_find (&s->store, table_get (&s->table, 50), 50, &old) == 0);
  CHECK (store_place (&s->store, 50, &c, &old, &entry) == 0);
  check_both (&old, entry, to);
  CHECK (store_find (&s->store, entry, 50, &new) == 0);
  store_free (&s->store, &new);
  check_slot (50);
  disk_recount (disk);
  if (from <= ZERO || to <= ZERO)
    return;
  CHECK (store_find (&s->store, table_get (&s->table, 50), 50, &old) == 0);
  CHECK (store_place (&s->store, 50, &c, &old, &entry) == 0);
  table_set (&s->table, 50, entry);
  store_free (&s->store, &old);
  model[50] = (unsigned char) to;
  seed_of[50] = next_seed;
  check_slot (50);
  disk_recount (disk);
}

/* With room left in segments, so that some objects are split. */
static void
test_commit (void)
{
  unsigned from, to, splits = 0;
  uint64_t slot = 100;

  start ();
  for (from = 0; from < PAGES; ++from)
    for (to = 0; to < PAGES; ++to) {
      CHECK (publish (slot++, BIG) == 0);
      if (to % 4 == 0)
        CHECK (publish (slot++, MIDDLE) == 0);
      test_beside ((enum page) from, (enum page) to);
      splits += counter_get (&s->n.store.arena.splits) > 0;
    }
  CHECK (splits > 10);
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

/* The maintenance path: pages become others of equal contents, and nobody
 * can tell by marks, ages, claims or counters.
 */
static void
test_swap (void)
{
  struct zram_params p = { .size = (uint64_t) SLOTS * PAGE,
    .algo = zram_codec_info (0)->name, .track_access = true };
  unsigned char buf[PAGE], got[PAGE], raw[PAGE];
  struct fetch f = { .buf = got, .raw = (char *) raw, .n = PAGE };
  struct zram_slot was, is;
  struct content c;
  struct claim claim;
  uint64_t changes, stored;
  unsigned from, to;

  memset (model, HOLE, sizeof model);
  disk = disk_open (&p);
  s = &disk->shards[0];
  CHECK (publish (51, SMALL) == 0);
  for (from = 0; from < PAGES; ++from)
    for (to = WORD; to < PAGES; ++to) {
      c = make ((enum page) to, ++next_seed, buf);
      CHECK (publish (50, (enum page) from) == 0);
      if (from <= ZERO) {
        CHECK (shard_swap (s, 50, &c) == -EINVAL);
        check_slot (50);
        continue;
      }
      *table_age (&s->table, 50) = 7;
      table_mark_idle (&s->table, 50, true);
      CHECK (shard_describe (s, 50, &was) && was.accessed == 7);
      changes = counter_get (&s->changes);
      stored = counter_get (&s->n.stored);
      claim_take (&s->claims, &claim, 50);
      CHECK (shard_peek (s, 50, &f) == 0);
      c.type = CONTENT_ZERO;
      CHECK (shard_swap (s, 50, &c) == -EINVAL);
      c = make ((enum page) to, next_seed, buf);
      CHECK (shard_swap (s, 50, &c) == 0);
      CHECK (claim_drop (&s->claims, &claim));
      CHECK (counter_get (&s->changes) == changes);
      CHECK (counter_get (&s->n.stored) == stored);
      CHECK (shard_describe (s, 50, &is) && is.accessed == 7);
      CHECK (was.flags & is.flags & ZRAM_SLOT_IDLE);
      CHECK (shard_peek (s, 50, &f) == 0 && f.content.type == c.type);
      model[50] = (unsigned char) to;
      seed_of[50] = next_seed;
      disk_recount (disk);
      check_slot (50);          /* an access, this time */
      CHECK (shard_describe (s, 50, &is) && is.accessed != 7);
      CHECK (!(is.flags & ZRAM_SLOT_IDLE));
    }
  CHECK (shard_peek (s, SLOTS, &f) == -EINVAL);
  CHECK (shard_swap (s, SLOTS, &c) == -EINVAL);
  finish ();
}

/* A page that is away, which nothing makes yet: neither read, written nor
 * freed, and the pages beside it are not harmed.
 */
static void
test_away (void)
{
  struct fetch f = { .n = 0 };
  struct content c;
  unsigned char buf[PAGE];
  uint32_t was, away = entry_make (TAG_AWAY, ID_MAX - 1);
  struct zram_slot about;
  uint64_t stored;
  unsigned to;

  start ();
  for (to = 0; to < 3; ++to)
    CHECK (publish (6 + to, SMALL) == 0);
  was = table_get (&s->table, 7);
  table_set (&s->table, 7, away);
  stored = counter_get (&s->n.stored);
  CHECK (shard_fetch (s, 7, &f) == -EIO);
  CHECK (shard_peek (s, 7, &f) == -EIO);
  c = make (SMALL, 1, buf);
  CHECK (shard_swap (s, 7, &c) == -EIO);
  CHECK (shard_describe (s, 7, &about) && about.flags == 0);
  shard_prefetch (s, 7);
  for (to = 0; to < PAGES; ++to) {
    c = make ((enum page) to, 1, buf);
    CHECK (shard_publish (s, 7, &c) == -EIO);
    CHECK (table_get (&s->table, 7) == away);
  }
  CHECK (shard_clear (s, 0, 20, CONTENT_HOLE) == -EIO);
  CHECK (shard_clear (s, 7, 8, CONTENT_ZERO) == -EIO);
  CHECK (table_get (&s->table, 7) == away);
  model[6] = HOLE;
  CHECK (counter_get (&s->n.stored) == stored - 1);
  table_set (&s->table, 7, was);
  finish ();
}

/* Ids of raw pages and segments: as many as slots, and never more than an
 * entry can hold.
 */
static void
test_ids (void)
{
  static const uint64_t sizes[] = {
    1, ID_MAX - 2, ID_MAX - 1, ID_MAX, ID_MAX + UINT64_C (1),
    4 * (uint64_t) ID_MAX,
  };
  struct store_counters counters = { 0 };
  struct account account = { 0 };
  struct layout l = layout_for_page (PAGE);
  struct store st;
  uint64_t n;
  unsigned i;

  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    n = sizes[i];
    CHECK (store_init (&st, &l, 1, &account, &counters) == 0);
    CHECK (store_grow (&st, n) == 0);
    CHECK (st.raw.p.max_units == (n < ID_MAX ? n + 1 : ID_MAX));
    CHECK (st.arena.segments.p.max_units >= (n < ID_MAX ? n / 4 + 1
                                             : ID_MAX / 4));
    CHECK (st.arena.segments.p.max_units <= ID_MAX);
    /* All segments of the largest disk, in one shard. */
    CHECK (n < 4 * (uint64_t) ID_MAX ||
           st.arena.segments.p.max_units == ID_MAX);
    store_destroy (&st);
  }
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
  test_commit ();
  test_transitions_at_limit ();
  test_split_at_limit ();
  test_relief ();
  test_clear ();
  test_clear_at_limit ();
  test_swap ();
  test_away ();
  test_ids ();
  test_reset ();
  return 0;
}
