/* nbdkit-zram: the arena: where the objects of a shard live.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "os.h"

/* Four of the largest objects to a segment, and as much again for
 * fragmentation as could ever be; it is address space only.
 */
static uint64_t
segments_for (uint64_t nslots)
{
  uint64_t n = nslots / 4 + nslots / 8 + 64;

  return n < ID_MAX ? n : ID_MAX;
}

/* One more than there are slots, since a new page is written before the
 * old one is freed.
 */
static uint64_t
raw_for (uint64_t nslots)
{
  return nslots < ID_MAX ? nslots + 1 : ID_MAX;
}

int
arena_init (struct arena *a, const struct layout *layout,
            uint64_t nslots, struct account *account,
            struct arena_counters *counters)
{
  struct pool_params segments = {
    .unit = layout->segment, .hot_max = 1,
    .extra = sizeof (struct segment), .kind = ACCOUNT_SEGMENTS,
  };
  struct pool_params raw = {
    .unit = layout->page, .hot_max = 2, .kind = ACCOUNT_RAW,
  };
  uint32_t b;

  *a = (struct arena) {
    .layout = layout, .n = counters, .spare = NIL, .victim = NIL,
  };
  for (b = 0; b < BUCKETS; ++b)
    a->bucket[b] = NIL;

  segments.max_units = segments_for (nslots);
  raw.max_units = raw_for (nslots);
  a->segment_bytes = segments.max_units * sizeof (struct segment);
  a->segment = os_alloc (a->segment_bytes);
  if (!a->segment)
    return -ENOMEM;
  if (pool_init (&a->segments, &segments, account) < 0) {
    os_free (a->segment, a->segment_bytes);
    a->segment = NULL;
    return -ENOMEM;
  }
  if (pool_init (&a->raw, &raw, account) < 0) {
    pool_destroy (&a->segments);
    os_free (a->segment, a->segment_bytes);
    a->segment = NULL;
    return -ENOMEM;
  }
  return 0;
}

int
arena_grow (struct arena *a, uint64_t nslots)
{
  size_t bytes = segments_for (nslots) * sizeof (struct segment);
  struct segment *segment;

  if (bytes > a->segment_bytes) {
    segment = os_grow (a->segment, a->segment_bytes, bytes);
    if (!segment)
      return -ENOMEM;
    a->segment = segment;
    a->segment_bytes = bytes;
  }
  if (pool_grow (&a->segments, segments_for (nslots)) < 0)
    return -ENOMEM;
  return pool_grow (&a->raw, raw_for (nslots));
}

void
arena_destroy (struct arena *a)
{
  if (!a->segment)
    return;
  pool_destroy (&a->raw);
  pool_destroy (&a->segments);
  os_free (a->segment, a->segment_bytes);
  a->segment = NULL;
}

uint32_t
link_get (const char *head)
{
  uint32_t id;

  memcpy (&id, head, sizeof id);
  return id;
}

void
link_set (char *head, uint32_t id)
{
  memcpy (head, &id, sizeof id);
}

/* Segments. */

int
arena_reserve (struct arena *a)
{
  uint32_t id;
  int r;

  if (a->spare != NIL)
    return 0;
  r = pool_alloc (&a->segments, &id);
  if (r == 0)
    a->spare = id;
  return r;
}

void
arena_cool (struct arena *a)
{
  if (a->spare != NIL)
    pool_free (&a->segments, a->spare);
  a->spare = NIL;
  pool_cool (&a->segments);
  pool_cool (&a->raw);
}

/* Blocks given back of each kind of memory, for the other to have. */
#define DRAIN 16

void
arena_drain (struct arena *a)
{
  arena_cool (a);
  pool_drain (&a->segments, DRAIN);
  pool_drain (&a->raw, DRAIN);
}

/* The spare becomes a segment in use. */
static uint32_t
open_spare (struct arena *a)
{
  uint32_t id = a->spare;

  a->spare = NIL;
  a->segment[id] = (struct segment) { .prev = NIL, .next = NIL };
  place_list (a, id);
  return id;
}

static void
recycle (struct arena *a, uint32_t id)
{
  if (a->spare == NIL)
    a->spare = id;
  else
    pool_free (&a->segments, id);
}

char *
arena_put (struct arena *a, uint32_t id, uint64_t slot, uint32_t length,
           enum kind kind, unsigned codec)
{
  const struct layout *l = a->layout;
  char *base = arena_base (a, id);
  uint32_t i;

  place_unlist (a, id);
  i = segment_insert (l, base, &a->segment[id], slot, length, kind, codec);
  place_list (a, id);
  counter_add (&a->n->entries, 1);
  return segment_bytes (l, base, *segment_dirent (l, base, i));
}

void
arena_take (struct arena *a, uint32_t id, uint32_t i)
{
  struct segment *s = &a->segment[id];

  if (id != a->victim)
    place_unlist (a, id);
  segment_remove (a->layout, arena_base (a, id), s, i);
  counter_sub (&a->n->entries, 1);
  if (s->count == 0) {
    if (id == a->victim)
      a->victim = NIL;
    recycle (a, id);
  }
  else if (id != a->victim)
    place_list (a, id);
}

/* Storing. */

static uint32_t
store_whole (struct arena *a, uint32_t id, uint64_t slot,
             const struct object *o)
{
  char *p = arena_put (a, id, slot, o->length, o->kind, o->codec);

  memcpy (p, o->data, o->length);
  arena_tally (a, o, 1);
  return entry_make (TAG_OBJECT, id);
}

/* Split an object: as much as fits to the emptiest segment, the rest
 * where it fits best, or to the spare.  ENTRY_HOLE: not worth it, or no
 * room for the rest.
 */
static uint32_t
store_split (struct arena *a, uint64_t slot, const struct object *o,
             bool may_open)
{
  const struct layout *l = a->layout;
  uint32_t head_id = place_emptiest (a), tail_id, head, tail, most;
  const char *data = o->data;
  int32_t room;
  char *p;

  if (head_id == NIL)
    return ENTRY_HOLE;
  room = segment_room (l, &a->segment[head_id], 1);
  most = o->length + LINK_BYTES - FRAGMENT_MIN * l->granule;
  if (room < (int32_t) RESIDUE_MIN ||
      o->length <= 2 * FRAGMENT_MIN * l->granule)
    return ENTRY_HOLE;
  head = (uint32_t) room << l->granule_shift;
  if (head > most)
    head = most;
  tail = o->length - (head - LINK_BYTES);

  tail_id = place_choose (a, to_granules (l, tail),
                          (struct except) { head_id, NIL });
  if (tail_id == NIL && may_open)
    tail_id = open_spare (a);
  if (tail_id == NIL)
    return ENTRY_HOLE;

  p = arena_put (a, tail_id, slot, tail, KIND_TAIL, o->codec);
  memcpy (p, data + head - LINK_BYTES, tail);
  p = arena_put (a, head_id, slot, head, KIND_HEAD, o->codec);
  link_set (p, tail_id);
  memcpy (p + LINK_BYTES, data, head - LINK_BYTES);
  arena_tally (a, o, 1);
  counter_add (&a->n->splits, 1);
  return entry_make (TAG_OBJECT, head_id);
}

uint32_t
arena_store (struct arena *a, uint64_t slot, const struct object *o)
{
  uint32_t entry = arena_squeeze (a, slot, o, ENTRY_HOLE);

  if (entry == ENTRY_HOLE)
    entry = store_split (a, slot, o, true);
  if (entry == ENTRY_HOLE)
    entry = store_whole (a, open_spare (a), slot, o);
  return entry;
}

/* The segments that an entry's object lies in. */
static struct except
segments_of (const struct arena *a, uint32_t entry, uint64_t slot)
{
  const struct layout *l = a->layout;
  struct except where = except_none;
  uint64_t e;
  char *base;
  int i;

  if (entry_is_empty (entry) || entry_is_raw (entry))
    return where;
  where.a = entry_id (entry);
  base = arena_base (a, where.a);
  i = segment_find (l, base, &a->segment[where.a], slot, false);
  if (i >= 0) {
    e = *segment_dirent (l, base, (uint32_t) i);
    if (dirent_kind (e) == KIND_HEAD)
      where.b = link_get (segment_bytes (l, base, e));
  }
  return where;
}

/* While the old object is there the new one keeps out of its segments,
 * where the directory could not tell them apart, and stays whole.
 */
uint32_t
arena_squeeze (struct arena *a, uint64_t slot, const struct object *o,
               uint32_t old)
{
  uint32_t size = to_granules (a->layout, o->length);
  struct except except = segments_of (a, old, slot);
  uint32_t id = place_choose (a, size, except);

  if (id != NIL)
    return store_whole (a, id, slot, o);
  if (except.a == NIL)
    return store_split (a, slot, o, false);
  return ENTRY_HOLE;
}

/* Finding. */

/* An object where it lies: its one fragment, or two. */
struct place {
  uint32_t id, tail_id;         /* segments; tail_id NIL: whole */
  uint32_t i, tail_i;           /* directory entries */
  uint64_t e, tail_e;
  char *p, *tail_p;
};

static int
find (const struct arena *a, uint32_t entry, uint64_t slot,
      struct place *at)
{
  const struct layout *l = a->layout;
  char *base;
  int i;

  at->id = entry_id (entry);
  at->tail_id = NIL;
  base = arena_base (a, at->id);
  i = segment_find (l, base, &a->segment[at->id], slot, false);
  if (i < 0)
    return -EIO;
  at->i = (uint32_t) i;
  at->e = *segment_dirent (l, base, at->i);
  at->p = segment_bytes (l, base, at->e);
  if (!segment_holds (l, at->e))
    return -EIO;
  if (dirent_kind (at->e) != KIND_HEAD)
    return 0;

  if (dirent_length (l, at->e) <= LINK_BYTES)
    return -EIO;
  at->tail_id = link_get (at->p);
  if (!pool_is_used (&a->segments, at->tail_id))
    return -EIO;
  base = arena_base (a, at->tail_id);
  i = segment_find (l, base, &a->segment[at->tail_id], slot, true);
  if (i < 0)
    return -EIO;
  at->tail_i = (uint32_t) i;
  at->tail_e = *segment_dirent (l, base, at->tail_i);
  at->tail_p = segment_bytes (l, base, at->tail_e);
  return segment_holds (l, at->tail_e) ? 0 : -EIO;
}

/* What lies there, but for its bytes. */
static struct object
place_object (const struct layout *l, const struct place *at)
{
  struct object o = {
    .length = dirent_length (l, at->e), .kind = dirent_kind (at->e),
    .codec = dirent_codec (at->e),
  };

  if (at->tail_id != NIL) {
    o.length += dirent_length (l, at->tail_e) - LINK_BYTES;
    o.kind = KIND_OBJECT;
  }
  return o;
}

int
arena_load (const struct arena *a, uint32_t entry, uint64_t slot,
            void *buf, struct object *o)
{
  const struct layout *l = a->layout;
  struct place at;
  uint32_t head;

  if (find (a, entry, slot, &at) < 0)
    return -EIO;
  *o = place_object (l, &at);
  o->data = buf;
  if (o->length > l->object_max)
    return -EIO;
  head = dirent_length (l, at.e);
  if (at.tail_id == NIL)
    memcpy (buf, at.p, head);
  else {
    head -= LINK_BYTES;
    memcpy (buf, at.p + LINK_BYTES, head);
    memcpy ((char *) buf + head, at.tail_p, dirent_length (l, at.tail_e));
  }
  return 0;
}

enum kind
arena_kind (const struct arena *a, uint32_t entry, uint64_t slot)
{
  struct place at;

  return find (a, entry, slot, &at) < 0 ? KIND_OBJECT : dirent_kind (at.e);
}

void
arena_free (struct arena *a, uint32_t entry, uint64_t slot)
{
  struct object o;
  struct place at;

  if (entry_is_raw (entry)) {
    pool_free (&a->raw, entry_id (entry));
    return;
  }
  if (find (a, entry, slot, &at) < 0)
    return;                     /* arena_load has reported it */
  o = place_object (a->layout, &at);
  arena_tally (a, &o, -1);
  if (at.tail_id != NIL) {
    arena_take (a, at.tail_id, at.tail_i);
    counter_sub (&a->n->splits, 1);
    /* head and tail may share a segment, and the entry have moved */
    if (at.tail_id == at.id && at.tail_i < at.i)
      at.i--;
  }
  arena_take (a, at.id, at.i);
}

/* Replacing. */

static void
shrink (struct arena *a, uint32_t id, uint32_t i, uint32_t length,
        enum kind kind, unsigned codec)
{
  if (id != a->victim)
    place_unlist (a, id);
  segment_shrink (a->layout, arena_base (a, id), &a->segment[id], i,
                  length, kind, codec);
  if (id != a->victim)
    place_list (a, id);
}

bool
arena_replace (struct arena *a, uint32_t entry, uint64_t slot,
               const struct object *o)
{
  const struct layout *l = a->layout;
  const char *data = o->data;
  struct object old;
  struct place at;
  uint32_t head, rest;

  if (entry_is_empty (entry) || entry_is_raw (entry) ||
      find (a, entry, slot, &at) < 0)
    return false;
  old = place_object (l, &at);
  if (old.length < o->length)
    return false;
  arena_tally (a, &old, -1);
  arena_tally (a, o, 1);
  head = dirent_length (l, at.e);

  if (o->length <= head) {      /* whole, in the first or only place */
    memcpy (at.p, data, o->length);
    shrink (a, at.id, at.i, o->length, o->kind, o->codec);
    if (at.tail_id != NIL) {
      arena_take (a, at.tail_id, at.tail_i);
      counter_sub (&a->n->splits, 1);
    }
    return true;
  }

  head -= LINK_BYTES;
  rest = o->length - head;
  memcpy (at.p + LINK_BYTES, data, head);
  memcpy (at.tail_p, data + head, rest);
  shrink (a, at.id, at.i, head + LINK_BYTES, KIND_HEAD, o->codec);
  shrink (a, at.tail_id, at.tail_i, rest, KIND_TAIL, o->codec);
  return true;
}
