/* nbdkit-zram: the store: the only owner of stored pages.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "os.h"
#include "store.h"

/* One more than there are slots, since a new page is written before the
 * old one is freed.
 */
static uint64_t
store_raw_for (uint64_t nslots)
{
  return nslots < ID_MAX ? nslots + 1 : ID_MAX;
}

int
store_init (struct store *st, const struct layout *layout, uint64_t nslots,
            struct account *account, struct store_counters *counters)
{
  const struct pool_params raw = {
    .unit = layout->page, .max_units = store_raw_for (nslots), .hot_max = 2,
    .kind = ACCOUNT_RAW,
  };

  *st = (struct store) { .n = counters };
  if (arena_init (&st->arena, layout, nslots, account,
                  &counters->arena) < 0)
    return -ENOMEM;
  if (pool_init (&st->raw, &raw, account) < 0) {
    arena_destroy (&st->arena);
    return -ENOMEM;
  }
  st->layout = layout;
  return 0;
}

void
store_destroy (struct store *st)
{
  if (!st->layout)
    return;                     /* store_init failed */
  pool_destroy (&st->raw);
  arena_destroy (&st->arena);
  st->layout = NULL;
}

int
store_grow (struct store *st, uint64_t nslots)
{
  int r = arena_grow (&st->arena, nslots);

  return r < 0 ? r : pool_grow (&st->raw, store_raw_for (nslots));
}

/* Reading. */

static char *
store_raw_page (const struct store *st, uint32_t entry)
{
  return pool_at (&st->raw, entry_id (entry));
}

int
store_find (const struct store *st, uint32_t entry, uint64_t slot,
            struct stored *page)
{
  page->entry = entry;
  page->lost = false;
  page->at.id = page->at.tail_id = NIL;
  switch (entry_tag (entry)) {
  case TAG_EMPTY:
    break;
  case TAG_OBJECT:
    page->lost = arena_find (&st->arena, entry_id (entry), slot,
                             &page->at) < 0;
    break;
  case TAG_RAW:
    page->lost = !pool_is_used (&st->raw, entry_id (entry));
    break;
  case TAG_AWAY:
    return -EIO;
  }
  return 0;
}

static int
store_load_empty (const struct stored *page, struct fetch *f)
{
  f->content.type = page->entry == ENTRY_HOLE ? CONTENT_HOLE : CONTENT_ZERO;
  return 0;
}

int
store_load (const struct store *st, const struct stored *page,
            struct fetch *f)
{
  if (entry_is_empty (page->entry))
    return store_load_empty (page, f);
  if (page->lost)
    return -EIO;
  if (entry_is_raw (page->entry)) {
    f->content.type = CONTENT_RAW;
    memcpy (f->raw, store_raw_page (st, page->entry) + f->from, f->n);
    return 0;
  }
  f->content.type = CONTENT_OBJECT;
  return arena_load (&st->arena, &page->at, f->buf, &f->content.object);
}

static void
store_describe_object (const struct store *st, uint32_t entry, uint64_t slot,
                       struct zram_slot *about)
{
  struct stored page;
  struct object o;

  if (store_find (st, entry, slot, &page) < 0 || page.lost)
    return;
  o = arena_found_object (st->layout, &page.at);
  if (o.kind == KIND_FILL) {
    about->flags = ZRAM_SLOT_SAME;
    return;
  }
  about->bytes = o.length;
  about->coding = o.coding;
}

void
store_describe (const struct store *st, uint32_t entry, uint64_t slot,
                struct zram_slot *about)
{
  about->flags = about->bytes = 0;
  about->coding = CODINGS_MAX;
  if (entry == ENTRY_ZERO)
    about->flags = ZRAM_SLOT_SAME;
  else if (entry_is_raw (entry)) {
    about->flags = ZRAM_SLOT_HUGE;
    about->bytes = st->layout->page;
  }
  else if (entry_tag (entry) == TAG_OBJECT)
    store_describe_object (st, entry, slot, about);
}

#if ZRAM_CHECKS
bool
store_leads (const struct store *st, uint32_t entry, uint64_t slot)
{
  struct stored page;

  return store_find (st, entry, slot, &page) == 0 && !page.lost;
}
#endif

void
store_prefetch (const struct store *st, uint32_t entry)
{
  const struct arena *a = &st->arena;

  if (entry_tag (entry) == TAG_OBJECT)
    segment_prefetch (st->layout, arena_base (a, entry_id (entry)),
                      &a->segment[entry_id (entry)]);
}

/* Storing. */

static void
store_set_raw (struct store *st, uint32_t entry, const void *page)
{
  memcpy (store_raw_page (st, entry), page, st->layout->page);
}

static int
store_place_empty (struct store *st, uint64_t slot, const struct content *c,
                   const struct stored *old, uint32_t *entry)
{
  (void) st;
  (void) slot;
  (void) old;
  *entry = c->type == CONTENT_HOLE ? ENTRY_HOLE : ENTRY_ZERO;
  return 0;
}

static int
store_place_raw (struct store *st, uint64_t slot, const struct content *c,
                 const struct stored *old, uint32_t *entry)
{
  uint32_t id;
  int r = pool_alloc (&st->raw, &id);

  (void) slot;
  (void) old;
  if (r < 0)
    return r;
  *entry = entry_make (TAG_RAW, id);
  store_set_raw (st, *entry, c->page);
  counter_add (&st->n->raw, 1);
  counter_add (&st->n->raw_since, !c->late);
  return 0;
}

/* Without a segment in reserve there may still be room in those in use. */
static int
store_place_object (struct store *st, uint64_t slot, const struct content *c,
                    const struct stored *old, uint32_t *entry)
{
  struct except except = found_segments (&old->at);
  struct arena *a = &st->arena;
  int r = arena_reserve (a);
  uint32_t id;

  id = r == 0 ? arena_store (a, slot, &c->object, except)
    : arena_squeeze (a, slot, &c->object, except);
  if (id == NIL)
    return r;
  *entry = entry_make (TAG_OBJECT, id);
  return 0;
}

typedef int place_fn (struct store *st, uint64_t slot,
                      const struct content *c, const struct stored *old,
                      uint32_t *entry);
static place_fn *const place[] = {
  [CONTENT_HOLE] = store_place_empty,
  [CONTENT_ZERO] = store_place_empty,
  [CONTENT_OBJECT] = store_place_object,
  [CONTENT_RAW] = store_place_raw,
};

int
store_place (struct store *st, uint64_t slot, const struct content *c,
             const struct stored *old, uint32_t *entry)
{
  return place[c->type] (st, slot, c, old, entry);
}

/* Where a page was raw the new one may be raw, though it can be
 * compressed.
 */
bool
store_replace (struct store *st, const struct content *c,
               const struct stored *old)
{
  if (old->lost)
    return false;
  if (entry_tag (old->entry) == TAG_OBJECT)
    return c->type == CONTENT_OBJECT &&
      arena_replace (&st->arena, &old->at, &c->object);
  if (!entry_is_raw (old->entry))
    return false;
  store_set_raw (st, old->entry, c->page);
  counter_add (&st->n->raw_since, c->type == CONTENT_RAW && !c->late);
  return true;
}

void
store_free (struct store *st, const struct stored *page)
{
  if (entry_is_empty (page->entry) || page->lost)
    return;                     /* store_load has reported a lost one */
  if (entry_is_raw (page->entry)) {
    pool_free (&st->raw, entry_id (page->entry));
    counter_sub (&st->n->raw, 1);
  }
  else
    arena_free (&st->arena, &page->at);
}

/* Compaction, and memory kept ready. */

static uint32_t
store_index_get (void *table, uint64_t slot)
{
  uint32_t entry = table_get (table, slot);

  return entry_tag (entry) == TAG_OBJECT ? entry_id (entry) : NIL;
}

static void
store_index_set (void *table, uint64_t slot, uint32_t id)
{
  table_set (table, slot, entry_make (TAG_OBJECT, id));
}

bool
store_compact_step (struct store *st, struct table *table)
{
  const struct arena_index index = { store_index_get, store_index_set, table };

  return arena_compact_step (&st->arena, &index);
}

void
store_cool (struct store *st)
{
  arena_cool (&st->arena);
  pool_cool (&st->raw);
}

/* Blocks given back of each kind of memory, for the other to have. */
#define DRAIN 16

void
store_drain (struct store *st)
{
  store_cool (st);
  arena_drain (&st->arena, DRAIN);
  pool_drain (&st->raw, DRAIN);
}

void
store_touch_beside (struct store *st, unsigned which, uint64_t first)
{
  struct arena *a = &st->arena;

  if (which == STORE_SEGMENTS)
    os_populate (&a->segment[first],
                 a->segments.block_units * sizeof *a->segment);
}
