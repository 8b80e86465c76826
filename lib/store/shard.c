/* nbdkit-zram: a shard: what is done to one page under the lock.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "invariant.h"
#include "shard.h"

/* When memory is short a write does this many steps of compaction under
 * the lock before it gives up: enough to empty a few segments of pages of
 * common sizes.
 */
#define SHORTAGE_STEPS (4 * SEGMENT_PAGES)

/* How many runs of slots that need no change to pass over before
 * letting others have the lock.
 */
#define CLEAR_RUNS 64

static int
shard_init_contents (struct shard *s, unsigned ages, struct table *table,
                     struct store *store)
{
  if (table_init (table, s->nslots, ages, s->account) < 0)
    return -ENOMEM;
  if (store_init (store, s->layout, s->nslots, s->account,
                  &s->n.store) < 0) {
    table_destroy (table);
    return -ENOMEM;
  }
  store->raw.p.hot_max += s->late.max;
  return 0;
}

int
shard_init (struct shard *s, const struct layout *layout,
            uint64_t nslots, unsigned ages, struct account *account)
{
  memset (s, 0, sizeof *s);
  s->layout = layout;
  s->account = account;
  s->nslots = nslots;
  if (shard_init_contents (s, ages, &s->table, &s->store) < 0)
    return -ENOMEM;
  pthread_mutex_init (&s->lock, NULL);
  claims_init (&s->claims);
  return 0;
}

void
shard_destroy (struct shard *s)
{
  if (!s->layout)
    return;
  store_destroy (&s->store);
  table_destroy (&s->table);
  claims_destroy (&s->claims);
  late_destroy (&s->late);
  pthread_mutex_destroy (&s->lock);
  s->layout = NULL;
}

/* Take off the marks that say how well the page of a slot compresses. */
static void
shard_unmark_written (struct shard *s, uint64_t slot)
{
  static const enum mark marks[] = {
    MARK_INCOMPRESSIBLE, MARK_TENDED, MARK_TENDED_COLD,
  };
  unsigned i;

  for (i = 0; i < sizeof marks / sizeof marks[0]; ++i)
    if (s->table.marked[marks[i]])
      shard_mark (s, slot, marks[i], false);
}

/* A page was read or written. */
static void
shard_touch (struct shard *s, uint64_t slot)
{
  if (s->table.marked[MARK_IDLE])
    shard_mark (s, slot, MARK_IDLE, false);
  if (s->table.ages_kept)
    table_touch (&s->table, slot);
}

void
shard_prefetch (struct shard *s, uint64_t slot, unsigned n)
{
  if (pthread_mutex_trylock (&s->lock) != 0)
    return;
  for (; n > 0 && slot < s->nslots; --n, ++slot)
    store_prefetch (&s->store, table_get (&s->table, slot));
  shard_unlock (s);
}

static int
shard_find (const struct shard *s, uint64_t slot, struct stored *page)
{
  return slot >= s->nslots ? -EINVAL
    : store_find (&s->store, table_get (&s->table, slot), slot, page);
}

int
shard_peek (const struct shard *s, uint64_t slot, struct fetch *f)
{
  struct stored page;
  int r = shard_find (s, slot, &page);

  return r < 0 ? r : store_load (&s->store, &page, f);
}

int
shard_fetch (struct shard *s, uint64_t slot, struct fetch *f)
{
  struct stored page;
  int r = shard_find (s, slot, &page);

  if (r < 0)
    return r;
  if (!entry_is_empty (page.entry))
    shard_touch (s, slot);
  return store_load (&s->store, &page, f);
}

/* Publishing. */

/* Count a page in, or out, by its entry. */
static void
shard_tally (struct shard *s, uint32_t entry, int sign)
{
  uint64_t n = (uint64_t) (int64_t) sign;

  if (entry == ENTRY_HOLE)
    return;
  counter_add (&s->n.stored, n);
  if (entry == ENTRY_ZERO)
    counter_add (&s->n.zero, n);
}

int
shard_commit (struct shard *s, uint64_t slot, uint32_t old,
              const struct content *c, enum access access)
{
  struct stored was;
  uint32_t entry;
  int r;

  r = store_find (&s->store, old, slot, &was);
  if (r < 0)
    return r;
  r = store_place (&s->store, slot, c, &was, &entry);
  CHEAP (I7, r < 0 || entry != old || entry_is_empty (entry));
  if (r < 0) {
    if (!store_replace (&s->store, c, &was))
      return r;
    entry = old;
  }
  FULL (I7, store_leads (&s->store, entry, slot));
  FULL (I7, was.lost || store_leads (&s->store, old, slot));
  if (access) {
    shard_touch (s, slot);
    shard_unmark_written (s, slot);
  }
  else if (s->table.marked[MARK_INCOMPRESSIBLE])
    shard_mark (s, slot, MARK_INCOMPRESSIBLE, false);
  if (entry != old) {
    table_set (&s->table, slot, entry);
    store_free (&s->store, &was);
    shard_tally (s, old, -1);
    shard_tally (s, entry, 1);
  }
  if (c->late || s->late.n)
    shard_late_settle (s, slot, old, entry, c, access);
  return 0;
}

static int
shard_prepare_and_commit (struct shard *s, uint64_t slot,
                          const struct content *c)
{
  int r = table_prepare (&s->table, slot);

  return r < 0 ? r : shard_commit (s, slot, table_get (&s->table, slot), c,
                                   ACCESS);
}

/* Turn room spread over the segments into memory that can be used for
 * something else.
 */
static void
shard_make_room (struct shard *s)
{
  unsigned i;

  for (i = 0; i < SHORTAGE_STEPS; ++i)
    if (!shard_compact_step (s, COMPACT_NOW))
      break;
  store_drain (&s->store);
}

bool
shard_relieve (struct shard *s, unsigned *steps)
{
  bool more = true, did = false;
  unsigned i;

  for (i = 0; i < SHORTAGE_STEPS && *steps && more; ++i, --*steps) {
    shard_lock (s);
    more = shard_compact_step (s, COMPACT_NOW);
    shard_unlock (s);
    did |= more;
    shard_give_way (s);
  }
  return did;
}

int
shard_publish (struct shard *s, uint64_t slot, const struct content *c)
{
  uint32_t old;
  int r;

  if (slot >= s->nslots)
    return -EINVAL;
  old = table_get (&s->table, slot);
  if ((old == ENTRY_HOLE && c->type == CONTENT_HOLE) ||
      (old == ENTRY_ZERO && c->type == CONTENT_ZERO))
    return 0;
  r = shard_prepare_and_commit (s, slot, c);
  if (r == -ENOSPC || r == -ENOMEM) {
    shard_make_room (s);
    r = shard_prepare_and_commit (s, slot, c);
  }
  if (r < 0) {
    table_fold (&s->table, slot);
    return r;
  }
  if (s->late.max && c->type >= CONTENT_OBJECT &&
      c->object.kind != KIND_FILL)
    late_note (&s->late, slot);
  shard_changed (s, slot);
  shard_compact_step (s, COMPACT_BUSY);
  return 0;
}

bool
shard_compact_step (struct shard *s, unsigned per_mille)
{
  if (store_wants_compaction (&s->store, per_mille) &&
      store_compact_step (&s->store, &s->table))
    return true;
  return table_wants_compaction (&s->table, per_mille) &&
    table_compact_step (&s->table);
}

int
shard_swap (struct shard *s, uint64_t slot, const struct content *c)
{
  uint32_t old;
  int r;

  if (slot >= s->nslots)
    return -EINVAL;
  old = table_get (&s->table, slot);
  if (entry_is_empty (old) || c->type == CONTENT_HOLE ||
      c->type == CONTENT_ZERO)
    return -EINVAL;
  r = shard_commit (s, slot, old, c, NO_ACCESS);
  if (r == 0)
    shard_compact_step (s, COMPACT_BUSY);
  return r;
}

/* Clearing. */

static int
shard_clear_object (struct shard *s, uint64_t slot, uint32_t old,
                    uint32_t entry)
{
  const struct content empty = {
    .type = entry == ENTRY_HOLE ? CONTENT_HOLE : CONTENT_ZERO,
  };
  int r = shard_commit (s, slot, old, &empty, ACCESS);

  if (r < 0)
    return r;
  shard_changed (s, slot);
  if (entry == ENTRY_HOLE)
    counter_add (&s->n.freed, 1);
  shard_compact_step (s, COMPACT_BUSY);
  return 0;
}

/* A run of empty slots that are to be empty in the other way. */
static int
shard_clear_run (struct shard *s, uint64_t from, uint64_t to, uint32_t entry)
{
  int error;
  uint64_t n = table_set_run (&s->table, from, to, entry, &error);

  claims_break (&s->claims, from, from + n);
  if (entry == ENTRY_HOLE)
    n = -n;
  counter_add (&s->n.stored, n);
  counter_add (&s->n.zero, n);
  return error;
}

/* Clear some slots from *from on, at most one of them an object. */
static int
shard_clear_some (struct shard *s, uint64_t *from, uint64_t to, uint32_t entry)
{
  unsigned runs;
  uint32_t old;
  uint64_t n;
  int r;

  for (runs = 0; *from < to && runs < CLEAR_RUNS; ++runs) {
    n = table_run (&s->table, *from, to, &old);
    if (!entry_is_empty (old)) {
      r = shard_clear_object (s, *from, old, entry);
      *from += r == 0;
      return r;
    }
    /* Where there is no memory to say that zeroes are holes, they stay
     * zeroes: a trim is advice.
     */
    if (old != entry) {
      r = shard_clear_run (s, *from, *from + n, entry);
      if (r < 0 && entry == ENTRY_ZERO)
        return r;
    }
    *from += n;
  }
  return 0;
}

static uint32_t
shard_empty_entry (enum content_type empty)
{
  return empty == CONTENT_HOLE ? ENTRY_HOLE : ENTRY_ZERO;
}

int
shard_clear_slot (struct shard *s, uint64_t slot, enum content_type empty)
{
  if (slot >= s->nslots)
    return -EINVAL;
  return shard_clear_some (s, &slot, slot + 1, shard_empty_entry (empty));
}

/* The same, where somebody may have a turn. */
static int
shard_clear_in_turn (struct shard *s, uint64_t *from, uint64_t to,
                     uint32_t entry)
{
  struct turn turn = { .queued = false };
  uint64_t end = turn_next (&s->claims, *from, to);
  int r = 0;

  if (end == *from) {
    turn_take (&s->claims, &turn, *from, &s->lock);
    end++;
  }
  if (end > s->nslots)
    end = s->nslots;
  if (*from < end)
    r = shard_clear_some (s, from, end, entry);
  turn_end (&s->claims, &turn);
  return r;
}

int
shard_clear (struct shard *s, uint64_t from, uint64_t to,
             enum content_type empty)
{
  uint32_t entry = shard_empty_entry (empty);
  int r = 0;

  while (from < to && r == 0) {
    shard_lock (s);
    r = shard_clear_in_turn (s, &from, to, entry);
    if (from >= s->nslots)
      from = to;
    shard_unlock (s);
    shard_give_way (s);
  }
  return r;
}

bool
shard_describe (const struct shard *s, uint64_t slot, struct zram_slot *about)
{
  uint32_t entry = table_get (&s->table, slot), *age;

  about->accessed = 0;
  if (entry == ENTRY_HOLE)
    return false;
  store_describe (&s->store, entry, slot, about);
  if (entry_is_raw (entry) && late_find (&s->late, slot) != LATE_NONE)
    about->flags = ZRAM_SLOT_LATE;      /* nobody knows yet if it is huge */
  if (entry_is_empty (entry))
    return true;
  if (table_is_marked (&s->table, slot, MARK_IDLE))
    about->flags |= ZRAM_SLOT_IDLE;
  if (table_is_marked (&s->table, slot, MARK_INCOMPRESSIBLE))
    about->flags |= ZRAM_SLOT_INCOMPRESSIBLE;
  age = table_age (&s->table, slot);
  if (age)
    about->accessed = *age;
  return true;
}

/* Look at some slots from *slot on, all that the table has: are they
 * holes?
 */
static bool
shard_some_holes_from (const struct shard *s, uint64_t *slot)
{
  uint64_t end = s->table.nslots;
  unsigned runs;
  uint32_t entry;
  uint64_t n;

  for (runs = 0; *slot < end && runs < CLEAR_RUNS; ++runs) {
    n = table_run (&s->table, *slot, end, &entry);
    if (entry != ENTRY_HOLE)
      return false;
    *slot += n;
  }
  return true;
}

bool
shard_holes_from (struct shard *s, uint64_t slot)
{
  bool holes = true, more = true;

  while (holes && more) {
    shard_lock (s);
    holes = shard_some_holes_from (s, &slot);
    more = slot < s->table.nslots;
    shard_unlock (s);
    shard_give_way (s);
  }
  return holes;
}

int
shard_resize (struct shard *s, uint64_t nslots)
{
  int r;

  shard_lock (s);
  r = store_grow (&s->store, nslots);
  if (r == 0)
    r = table_resize (&s->table, nslots);
  if (r == 0) {
    claims_break (&s->claims, nslots, UINT64_MAX);
    s->nslots = nslots;
  }
  shard_unlock (s);
  return r;
}

int
shard_reset (struct shard *s)
{
  struct table table, old_table;
  struct store store, old_store;

  if (shard_init_contents (s, s->table.ages_kept, &table, &store) < 0)
    return -ENOMEM;

  shard_lock (s);
  old_table = s->table;
  old_store = s->store;
  s->table = table;
  s->store = store;
  claims_break (&s->claims, 0, UINT64_MAX);
  late_clear (&s->late);
  counter_zero_all (&s->n, sizeof s->n);
  shard_unlock (s);

  store_destroy (&old_store);
  table_destroy (&old_table);
  return 0;
}
