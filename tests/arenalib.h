/* nbdkit-zram: what the tests of the arena share.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The arena and the table of a disk's first shard, and a model of what
 * lies in it: objects of any length that no codec made.  The disk's
 * recount then checks every list and counter.
 */

#ifndef ARENALIB_H
#define ARENALIB_H

#include "disk.h"
#include "disklib.h"

#define SLOTS 16384
#define LARGE 3968u             /* four fill a segment, all but 448 bytes */

/* What lies in a slot. */
static struct thing {
  uint32_t length;              /* 0: nothing */
  enum kind kind;
  unsigned coding;
  uint64_t seed;
} thing[SLOTS];

static struct zram_disk *disk;
static struct shard *s;
static struct arena *a;
static const struct layout *l;
static uint64_t rng;

static inline void
start (uint32_t page)
{
  struct zram_params p = { .size = (uint64_t) SLOTS * page,
    .page_size = page, .algo = zram_codec_info (0)->name };

  memset (thing, 0, sizeof thing);
  disk = disk_open (&p);
  s = &disk->shards[0];
  /* Slots of other shards stay out of use. */
  CHECK (s->nslots >= SLOTS / shard_count (disk));
  a = &s->store.arena;
  l = &disk->layout;
}

/* Contents. */

static inline struct object
make (unsigned char *buf, const struct thing *t)
{
  uint64_t r = t->seed;
  uint32_t i;

  for (i = 0; i < t->length; ++i) {
    if (i % 8 == 0)
      rng_next (&r);
    buf[i] = (unsigned char) (r >> i % 8 * 8);
  }
  return (struct object) { buf, t->length, t->kind, t->coding };
}

/* Where the object of a slot is. */
static inline struct found
found (uint64_t slot)
{
  uint32_t entry = table_get (&s->table, slot);
  struct found at;

  CHECK (entry_tag (entry) == TAG_OBJECT);
  CHECK (arena_find (a, entry_id (entry), slot, &at) == 0);
  return at;
}

static inline void
check_slot (uint64_t slot)
{
  static unsigned char want[ZRAM_PAGE_MAX], got[ZRAM_PAGE_MAX];
  uint32_t entry = table_get (&s->table, slot);
  const struct thing *t = &thing[slot];
  struct object o;
  struct found at;

  CHECK (entry_is_empty (entry) == (t->length == 0));
  if (t->length == 0)
    return;
  make (want, t);
  at = found (slot);
  CHECK (arena_load (a, &at, got, &o) == 0);
  CHECK (o.data == got && o.length == t->length);
  CHECK (o.kind == t->kind && o.coding == t->coding);
  CHECK (memcmp (got, want, o.length) == 0);
}

static inline void
verify (void)
{
  uint64_t i;

  for (i = 0; i < s->nslots; ++i)
    check_slot (i);
  disk_recount (disk);
}

static inline void
finish (void)
{
  verify ();
  zram_close (disk);
}

/* Operations, as shard.c does them. */

static inline struct thing
some_thing (uint32_t length)
{
  struct thing t = { .length = length, .kind = KIND_OBJECT,
    .coding = (unsigned) rng_below (&rng, 16), .seed = rng_next (&rng) };

  if (length == FILL_BYTES && rng_next (&rng) % 4 == 0)
    t.kind = KIND_FILL;
  return t;
}

static inline void
drop (uint64_t slot)
{
  struct found at = found (slot);

  arena_free (a, &at);
  table_set (&s->table, slot, ENTRY_HOLE);
  thing[slot].length = 0;
  counter_sub (&s->n.stored, 1);
}

static inline void
set (uint64_t slot, uint32_t entry, const struct thing *t)
{
  CHECK (entry_tag (entry) == TAG_OBJECT);
  CHECK (table_prepare (&s->table, slot) == 0);
  table_set (&s->table, slot, entry);
  counter_add (&s->n.stored, thing[slot].length == 0);
  thing[slot] = *t;
}

static inline void
put (uint64_t slot, uint32_t length)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  struct thing t = some_thing (length);
  struct object o = make (buf, &t);
  struct found old = { .id = NIL, .tail_id = NIL };
  uint32_t id;

  CHECK (arena_reserve (a) == 0 && a->spare != NIL);
  if (thing[slot].length)
    old = found (slot);
  id = arena_store (a, slot, &o, found_segments (&old));
  CHECK (id != NIL && id != old.id && id != old.tail_id);
  if (thing[slot].length)
    arena_free (a, &old);
  set (slot, entry_make (TAG_OBJECT, id), &t);
}

/* False: it is longer. */
static inline bool
replace (uint64_t slot, uint32_t length)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  struct thing t = some_thing (length);
  struct object o = make (buf, &t);
  struct found at = found (slot);

  if (!arena_replace (a, &at, &o))
    return false;
  thing[slot] = t;
  return true;
}

/* The entry, or ENTRY_HOLE: no room. */
static inline uint32_t
squeeze (uint64_t slot, uint32_t length, uint32_t old)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  struct thing t = some_thing (length);
  struct object o = make (buf, &t);
  struct found at = { .id = NIL, .tail_id = NIL };
  uint32_t id;

  if (!entry_is_empty (old))
    at = found (slot);
  id = arena_squeeze (a, slot, &o, found_segments (&at));
  if (id == NIL)
    return ENTRY_HOLE;
  if (!entry_is_empty (old))
    arena_free (a, &at);
  set (slot, entry_make (TAG_OBJECT, id), &t);
  return entry_make (TAG_OBJECT, id);
}

/* Where the fragments of an object are: tail NIL if it is whole. */
struct where {
  uint32_t head, tail, head_bytes, tail_bytes;
};

static inline struct where
where (uint64_t slot)
{
  struct where w = { .tail = NIL };
  uint64_t e;
  char *base;
  int i;

  w.head = entry_id (table_get (&s->table, slot));
  base = arena_base (a, w.head);
  i = segment_find (l, base, &a->segment[w.head], slot, false);
  CHECK (i >= 0);
  e = *segment_dirent (l, base, (uint32_t) i);
  w.head_bytes = dirent_length (l, e);
  if (dirent_kind (e) != KIND_HEAD)
    return w;
  w.tail = link_get (segment_bytes (l, base, e));
  base = arena_base (a, w.tail);
  i = segment_find (l, base, &a->segment[w.tail], slot, true);
  CHECK (i >= 0);
  w.tail_bytes = dirent_length (l, *segment_dirent (l, base, (uint32_t) i));
  return w;
}

static inline uint64_t
find_split (void)
{
  uint64_t i;

  for (i = 0; i < s->nslots; ++i)
    if (thing[i].length && where (i).tail != NIL)
      return i;
  fail ("nothing is split");
}

static inline uint64_t
held (void)
{
  return atomic_load (&disk->account.kind[ACCOUNT_SEGMENTS]);
}

static inline uint64_t
total (void)
{
  uint64_t i, n = 0;

  for (i = 0; i < s->nslots; ++i)
    n += thing[i].length;
  return n;
}

#endif /* ARENALIB_H */
