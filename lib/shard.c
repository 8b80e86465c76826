/* nbdkit-zram: a shard: what is done to one page under the lock.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>
#include <time.h>

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
store_init (struct shard *s, bool track_ages, struct table *table,
            struct arena *arena)
{
  if (table_init (table, s->nslots, track_ages, s->account) < 0)
    return -ENOMEM;
  if (arena_init (arena, s->layout, s->nslots, s->account,
                  &s->n.arena) < 0) {
    table_destroy (table);
    return -ENOMEM;
  }
  return 0;
}

int
shard_init (struct shard *s, const struct layout *layout,
            uint64_t nslots, bool track_ages, struct account *account)
{
  memset (s, 0, sizeof *s);
  s->layout = layout;
  s->account = account;
  s->nslots = nslots;
  if (store_init (s, track_ages, &s->table, &s->arena) < 0)
    return -ENOMEM;
  pthread_mutex_init (&s->lock, NULL);
  return 0;
}

void
shard_destroy (struct shard *s)
{
  if (!s->layout)
    return;
  arena_destroy (&s->arena);
  table_destroy (&s->table);
  pthread_mutex_destroy (&s->lock);
  s->layout = NULL;
}

/* A page was read or written. */
static void
touch (struct shard *s, uint64_t slot)
{
  struct timespec t;
  uint32_t *age;

  if (s->table.nidle)
    table_mark_idle (&s->table, slot, false);
  age = table_age (&s->table, slot);
  if (age) {
    clock_gettime (CLOCK_BOOTTIME, &t);
    *age = (uint32_t) t.tv_sec;
  }
}

void
shard_prefetch (struct shard *s, uint64_t slot)
{
  uint32_t entry = ENTRY_HOLE;

  if (pthread_mutex_trylock (&s->lock) != 0)
    return;
  if (slot < s->nslots)
    entry = table_get (&s->table, slot);
  if (!entry_is_empty (entry) && !entry_is_raw (entry))
    segment_prefetch (s->layout, arena_base (&s->arena, entry_id (entry)),
                      &s->arena.segment[entry_id (entry)]);
  shard_unlock (s);
}

int
shard_fetch (struct shard *s, uint64_t slot, struct fetch *f)
{
  uint32_t entry;

  if (slot >= s->nslots)
    return -EINVAL;
  entry = table_get (&s->table, slot);
  f->version = shard_version (s, slot);
  if (entry_is_empty (entry)) {
    f->content.type = entry == ENTRY_HOLE ? CONTENT_HOLE : CONTENT_ZERO;
    return 0;
  }
  touch (s, slot);
  if (entry_is_raw (entry)) {
    char *page = pool_at (&s->arena.raw, entry_id (entry));

    f->content.type = CONTENT_RAW;
    memcpy (f->raw, page + f->from, f->n);
    return 0;
  }
  f->content.type = CONTENT_OBJECT;
  return arena_load (&s->arena, entry, slot, f->buf, &f->content.object);
}

/* Publishing. */

/* Count a page in, or out, by its entry. */
static void
tally (struct shard *s, uint32_t entry, int sign)
{
  uint64_t n = (uint64_t) (int64_t) sign;

  if (entry == ENTRY_HOLE)
    return;
  counter_add (&s->n.stored, n);
  if (entry == ENTRY_ZERO)
    counter_add (&s->n.zero, n);
  else if (entry_is_raw (entry))
    counter_add (&s->n.raw, n);
}

static void
changed (struct shard *s, uint64_t slot)
{
  s->version[slot % VERSIONS]++;
  counter_add (&s->changes, 1);
}

/* The object of slot is no longer wanted. */
static void
discard (struct shard *s, uint64_t slot, uint32_t old)
{
  if (!entry_is_empty (old))
    arena_free (&s->arena, old, slot);
}

static void
set (struct shard *s, uint64_t slot, uint32_t old, uint32_t entry)
{
  touch (s, slot);
  table_set (&s->table, slot, entry);
  tally (s, old, -1);
  tally (s, entry, 1);
}

static void
set_raw (struct shard *s, uint32_t id, const void *page)
{
  memcpy (pool_at (&s->arena.raw, id), page, s->layout->page);
}

static int
publish_empty (struct shard *s, uint64_t slot, uint32_t old,
               const struct content *c)
{
  uint32_t entry = c->type == CONTENT_HOLE ? ENTRY_HOLE : ENTRY_ZERO;

  discard (s, slot, old);
  set (s, slot, old, entry);
  return 0;
}

static int
publish_raw (struct shard *s, uint64_t slot, uint32_t old,
             const struct content *c)
{
  uint32_t id;
  int r;

  r = pool_alloc (&s->arena.raw, &id);
  if (r == 0) {
    set_raw (s, id, c->page);
    discard (s, slot, old);
    set (s, slot, old, entry_make (TAG_RAW, id));
  }
  else if (entry_is_raw (old))
    set_raw (s, entry_id (old), c->page);
  else
    return r;
  touch (s, slot);
  counter_add (&s->n.raw_since, 1);
  return 0;
}

/* Without a segment in reserve, a page that does not grow must still
 * find a place, in the worst case uncompressed where it was so before.
 */
static int
publish_object (struct shard *s, uint64_t slot, uint32_t old,
                const struct content *c)
{
  uint32_t entry;
  int r;

  r = arena_reserve (&s->arena);
  if (r == 0) {
    discard (s, slot, old);
    set (s, slot, old, arena_store (&s->arena, slot, &c->object));
    return 0;
  }
  touch (s, slot);
  if (arena_replace (&s->arena, old, slot, &c->object))
    return 0;
  entry = arena_squeeze (&s->arena, slot, &c->object, old);
  if (entry != ENTRY_HOLE) {
    discard (s, slot, old);
    set (s, slot, old, entry);
    return 0;
  }
  if (entry_is_raw (old)) {
    set_raw (s, entry_id (old), c->page);
    return 0;
  }
  return r;
}

typedef int publish_fn (struct shard *s, uint64_t slot, uint32_t old,
                        const struct content *c);
static publish_fn *const publish[] = {
  [CONTENT_HOLE] = publish_empty,
  [CONTENT_ZERO] = publish_empty,
  [CONTENT_OBJECT] = publish_object,
  [CONTENT_RAW] = publish_raw,
};

/* Turn room spread over the segments into memory that can be used for
 * something else.
 */
static void
relieve (struct shard *s)
{
  unsigned i;

  for (i = 0; i < SHORTAGE_STEPS; ++i)
    if (!shard_compact_step (s, COMPACT_NOW))
      break;
  arena_drain (&s->arena);
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
  r = table_prepare (&s->table, slot);
  if (r == 0)
    r = publish[c->type] (s, slot, old, c);
  if (r < 0) {
    relieve (s);
    r = table_prepare (&s->table, slot);
    if (r == 0)
      r = publish[c->type] (s, slot, table_get (&s->table, slot), c);
    if (r < 0) {
      table_fold (&s->table, slot);
      return r;
    }
  }
  changed (s, slot);
  shard_compact_step (s, COMPACT_BUSY);
  return 0;
}

bool
shard_compact_step (struct shard *s, unsigned per_mille)
{
  if (arena_wants_compaction (&s->arena, per_mille) &&
      arena_compact_step (&s->arena, &s->table))
    return true;
  return table_wants_compaction (&s->table, per_mille) &&
    table_compact_step (&s->table);
}

/* Clearing. */

static void
clear_object (struct shard *s, uint64_t slot, uint32_t old, uint32_t entry)
{
  discard (s, slot, old);
  set (s, slot, old, entry);
  changed (s, slot);
  if (entry == ENTRY_HOLE)
    counter_add (&s->n.freed, 1);
  shard_compact_step (s, COMPACT_BUSY);
}

/* A run of empty slots that are to be empty in the other way. */
static int
clear_run (struct shard *s, uint64_t from, uint64_t to, uint32_t entry)
{
  int error;
  uint64_t n = table_set_run (&s->table, from, to, entry, &error);

  if (entry == ENTRY_HOLE)
    n = -n;
  counter_add (&s->n.stored, n);
  counter_add (&s->n.zero, n);
  return error;
}

/* Clear some slots from *from on, at most one of them an object. */
static int
clear_some (struct shard *s, uint64_t *from, uint64_t to, uint32_t entry)
{
  unsigned runs;
  uint32_t old;
  uint64_t n;
  int r;

  for (runs = 0; *from < to && runs < CLEAR_RUNS; ++runs) {
    n = table_run (&s->table, *from, to, &old);
    if (!entry_is_empty (old)) {
      clear_object (s, *from, old, entry);
      *from += 1;
      break;
    }
    /* Where there is no memory to say that zeroes are holes, they stay
     * zeroes: a trim is advice.
     */
    if (old != entry) {
      r = clear_run (s, *from, *from + n, entry);
      if (r < 0 && entry == ENTRY_ZERO)
        return r;
    }
    *from += n;
  }
  return 0;
}

static uint32_t
entry_of (enum content_type empty)
{
  return empty == CONTENT_HOLE ? ENTRY_HOLE : ENTRY_ZERO;
}

int
shard_clear_slot (struct shard *s, uint64_t slot, enum content_type empty)
{
  if (slot >= s->nslots)
    return -EINVAL;
  return clear_some (s, &slot, slot + 1, entry_of (empty));
}

int
shard_clear (struct shard *s, uint64_t from, uint64_t to,
             enum content_type empty)
{
  uint32_t entry = entry_of (empty);
  int r = 0;

  while (from < to && r == 0) {
    shard_lock (s);
    r = clear_some (s, &from, to < s->nslots ? to : s->nslots, entry);
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

  about->flags = 0;
  about->accessed = 0;
  if (entry == ENTRY_HOLE)
    return false;
  if (entry == ENTRY_ZERO) {
    about->flags = ZRAM_SLOT_SAME;
    return true;
  }
  if (entry_is_raw (entry))
    about->flags = ZRAM_SLOT_HUGE;
  else if (arena_kind (&s->arena, entry, slot) == KIND_FILL)
    about->flags = ZRAM_SLOT_SAME;
  if (table_is_idle (&s->table, slot))
    about->flags |= ZRAM_SLOT_IDLE;
  age = table_age (&s->table, slot);
  if (age)
    about->accessed = *age;
  return true;
}

/* Look at some slots from *slot on, all that the table has: are they
 * holes?
 */
static bool
some_holes_from (const struct shard *s, uint64_t *slot)
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
    holes = some_holes_from (s, &slot);
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
  r = arena_grow (&s->arena, nslots);
  if (r == 0)
    r = table_resize (&s->table, nslots);
  if (r == 0)
    s->nslots = nslots;
  shard_unlock (s);
  return r;
}

int
shard_reset (struct shard *s)
{
  struct table table, old_table;
  struct arena arena, old_arena;
  unsigned i;

  if (store_init (s, s->table.ages != NULL, &table, &arena) < 0)
    return -ENOMEM;

  shard_lock (s);
  old_table = s->table;
  old_arena = s->arena;
  s->table = table;
  s->arena = arena;
  for (i = 0; i < VERSIONS; ++i)
    s->version[i]++;
  counter_zero_all (&s->n, sizeof s->n);
  shard_unlock (s);

  arena_destroy (&old_arena);
  table_destroy (&old_table);
  return 0;
}
