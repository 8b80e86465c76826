/* nbdkit-zram: the store: two pages of a slot side by side, pages swapped
 * for equal ones, pages that are away, and the limits of ids.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "shardlib.h"

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
      shard_mark (s, 50, MARK_IDLE, true);
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
  shard_prefetch (s, 7, 1);
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

int
main (void)
{
  next_seed = env_number ("ZRAM_SEED", 1) << 32;
  test_commit ();
  test_swap ();
  test_away ();
  test_ids ();
  return 0;
}
