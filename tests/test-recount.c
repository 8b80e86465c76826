/* nbdkit-zram: the recount sees what it is there to see.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The other tests trust zram_recount.  Here each thing that it compares
 * is made wrong, one at a time, on a disk that holds objects of every
 * kind; the recount must notice, say what, and be content again when the
 * damage is undone.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define PAGE 4096u

static struct zram_disk *d;
static struct shard *s;
static struct arena *a;
static const struct layout *l;

static void
start (void)
{
  struct zram_params p = { .size = 64 << 20,
    .algo = zram_codec_info (0)->name };
  unsigned char buf[PAGE];
  uint64_t i;

  d = disk_open (&p);
  s = &d->shards[0];
  a = &s->store.arena;
  l = &d->layout;
  for (i = 0; i < 400; ++i) {
    if (i % 10 == 0)
      page_same (buf, PAGE, i);
    else
      page_make (buf, PAGE, i % 10 == 1 ? PAGE : 2700, i);
    CHECK (zram_pwrite (d, buf, PAGE, i * PAGE) == 0);
  }
  CHECK (zram_zero (d, 100 * PAGE, 1000 * PAGE) == 0);
  CHECK (disk_stats (d).split_pages > 0);
}

static void
noticed (const char *what)
{
  char message[ZRAM_MESSAGE_MAX] = "";

  CHECK (zram_recount (d, message) == -EIO);
  if (!strstr (message, what))
    fail ("\"%s\" does not say \"%s\"", message, what);
}

static void
bump (counter *c, const char *what)
{
  counter_add (c, 1);
  noticed (what);
  counter_sub (c, 1);
  disk_recount (d);
}

static void
test_counters (void)
{
  bump (&s->n.stored, "pages stored");
  bump (&s->n.zero, "zero pages");
  bump (&s->n.store.raw, "raw pages");
  bump (&s->n.store.arena.coding[0].pages, "pages of a coding");
  bump (&s->n.store.arena.coding[0].bytes, "bytes of a coding");
  bump (&s->n.store.arena.entries, "entries counted");
  bump (&s->n.store.arena.fills, "fills");
  bump (&s->n.store.arena.splits, "splits");
  bump (&s->n.store.arena.room, "room");
}

#define NOTICED(change, undo, what)             \
  do {                                          \
    change;                                     \
    noticed (what);                             \
    undo;                                       \
    disk_recount (d);                           \
  } while (0)

static void
test_accounts (void)
{
  unsigned i;

  for (i = 0; i < ACCOUNT_KINDS; ++i)
    if (i != ACCOUNT_OTHER)
      NOTICED (d->account.kind[i]++, d->account.kind[i]--, "kind of memory");
  NOTICED (d->account.held--, d->account.held++, "memory held");
}

static void
test_pools (void)
{
  NOTICED (a->segments.used++, a->segments.used--, "segments");
  NOTICED (s->store.raw.used++, s->store.raw.used--, "raw pages");
  NOTICED (s->table.nodes.used++, s->table.nodes.used--, "nodes");
}

/* A unit that nobody points to. */
static void
test_lost (void)
{
  uint32_t id;

  CHECK (pool_alloc (&s->store.raw, &id) == 0);
  noticed ("raw pages in use");
  pool_free (&s->store.raw, id);
  disk_recount (d);
  CHECK (pool_alloc (&s->table.nodes, &id) == 0);
  noticed ("nodes");
  pool_free (&s->table.nodes, id);
  disk_recount (d);
  CHECK (pool_alloc (&a->segments, &id) == 0);
  a->segment[id].count = 0;
  noticed ("segment and its directory");
  pool_free (&a->segments, id);
  disk_recount (d);
}

static void
test_lists (void)
{
  uint32_t b, id;

  for (b = 0; a->bucket[b] == NIL; ++b)
    ;
  id = a->bucket[b];
  NOTICED (a->bucket_bits[b / 64] ^= UINT64_C (1) << b % 64,
           a->bucket_bits[b / 64] ^= UINT64_C (1) << b % 64, "lists");
  NOTICED (a->segment[id].prev = id, a->segment[id].prev = NIL, "lists");
  NOTICED (a->listed++, a->listed--, "segments listed");
  NOTICED (a->victim = id, a->victim = NIL, "lists");
  arena_unlist (a, id);
  noticed ("segments not listed");
  arena_list (a, id);
  disk_recount (d);
}

static uint32_t *
entry_of (uint64_t slot)
{
  /* The one leaf that holds the slots in use. */
  uint32_t entry = s->table.root[slot / ROOT_SLOTS], *node;

  node = pool_at (&s->table.nodes, entry_id (entry));
  entry = node[slot / NODE_ENTRIES % NODE_ENTRIES];
  node = pool_at (&s->table.nodes, entry_id (entry));
  return &node[slot % NODE_ENTRIES];
}

static void
test_table (void)
{
  uint32_t *object = entry_of (5), *raw = entry_of (1), was;

  was = *object;
  CHECK (was == table_get (&s->table, 5));
  NOTICED (*object = entry_make (TAG_OBJECT, (uint32_t) a->segments.fresh),
           *object = was, "table leads nowhere");
  NOTICED (*object = table_get (&s->table, 399), *object = was,
           "table leads nowhere");
  NOTICED (*object = ENTRY_HOLE, *object = was, "pages stored");
  was = *raw;
  CHECK (entry_is_raw (was));
  NOTICED (*raw = entry_make (TAG_RAW, (uint32_t) s->store.raw.fresh),
           *raw = was, "table leads nowhere");
  NOTICED (*raw = entry_make (TAG_AWAY, 0), *raw = was,
           "table leads nowhere");
  NOTICED (*raw = entry_make (TAG_EMPTY, 2), *raw = was,
           "table leads nowhere");
  NOTICED (*raw = ENTRY_ZERO, *raw = was, "zero pages");
}

static uint64_t *
dirent_of (uint64_t slot, bool tail, uint32_t *id)
{
  char *base = arena_base (a, *id);
  int i = segment_find (l, base, &a->segment[*id], slot, tail);

  CHECK (i >= 0);
  return segment_dirent (l, base, (uint32_t) i);
}

static void
test_entries (void)
{
  uint32_t id, tail_id;
  uint64_t *e, was, slot;
  char *p;

  for (slot = 0; ; ++slot) {
    if (entry_is_raw (table_get (&s->table, slot)) ||
        entry_is_empty (table_get (&s->table, slot)))
      continue;
    id = entry_id (table_get (&s->table, slot));
    e = dirent_of (slot, false, &id);
    if (dirent_kind (*e) == KIND_HEAD)
      break;
  }
  p = segment_bytes (l, arena_base (a, id), *e);
  tail_id = link_get (p);
  NOTICED (link_set (p, 100000), link_set (p, tail_id),
           "table leads nowhere");
  NOTICED (link_set (p, (tail_id + 5) % a->listed), link_set (p, tail_id),
           "table leads nowhere");
  was = *e;
  NOTICED (*e = dirent_pack (l, slot, dirent_offset (was),
                             dirent_length (l, was) - 1, KIND_HEAD, 0),
           *e = was, "segment and its directory");
  e = dirent_of (slot, true, &tail_id);
  was = *e;
  NOTICED (*e ^= 1, *e = was, "table leads nowhere");
  id = entry_id (table_get (&s->table, 10));
  e = dirent_of (10, false, &id);
  was = *e;
  CHECK (dirent_kind (was) == KIND_FILL);
  NOTICED (*e = dirent_pack (l, 10, dirent_offset (was), 7, KIND_FILL, 0),
           *e = was, "table leads nowhere");
  NOTICED (a->segment[id].used++, a->segment[id].used--, "segment");

  /* One too many, of a page that is elsewhere. */
  id = entry_id (table_get (&s->table, 5));
  CHECK (arena_reserve (a) == 0);
  for (id = 0; segment_room (l, &a->segment[id], 1) < 8 ||
         !pool_is_used (&a->segments, id) || id == a->spare; ++id)
    ;
  arena_put (a, id, 4000, 8, KIND_FILL, 0);
  noticed ("directory entries");
  arena_take (a, id, (uint32_t) (segment_find (l, arena_base (a, id),
                                               &a->segment[id], 4000,
                                               false)));
  disk_recount (d);
}

/* Who is late, on a disk of its own. */
static void
test_late (void)
{
  struct zram_params p = { .size = 64 << 20, .late = 8 * PAGE };
  unsigned char buf[PAGE];
  struct late *late;
  uint64_t i;

  d = disk_open (&p);
  s = &d->shards[0];
  late = &s->late;
  for (i = 0; i < 5; ++i) {
    page_make (buf, PAGE, 700, i);
    CHECK (zram_pwrite (d, buf, PAGE, i * PAGE) == 0);
  }
  CHECK (late->n == 5);
  bump (&s->n.late, "late pages");
  NOTICED (late->n--, late->n++, "late pages");
  NOTICED (late->page[late->newest].slot += 10,
           late->page[late->newest].slot -= 10, "late pages");
  NOTICED (late->page[late->oldest].older = late->newest,
           late->page[late->oldest].older = LATE_NONE, "late pages");
  NOTICED (late->oldest--, late->oldest++, "late pages");
  NOTICED (late->unused = LATE_NONE, late->unused = 5, "late pages");
  NOTICED (s->store.arena.segments.prepaid = false,
           s->store.arena.segments.prepaid = true, "kind of memory");
  CHECK (zram_compact (d) == 0);
  late_add (late, 2);
  counter_add (&s->n.late, 1);
  noticed ("late pages");       /* and it is compressed already */
  late_remove (late, late_find (late, 2));
  counter_sub (&s->n.late, 1);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  start ();
  disk_recount (d);
  test_counters ();
  test_accounts ();
  test_pools ();
  test_lost ();
  test_lists ();
  test_table ();
  test_entries ();
  zram_close (d);
  test_late ();
  return 0;
}
