/* nbdkit-zram: the arena: where the objects of a shard live.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "invariant.h"
#include "os.h"

/* How many of the tightest to look at. */
#define CANDIDATES 8

const struct except except_none = { NIL, NIL };

/* Four of the largest objects to a segment, and as much again for
 * fragmentation as could ever be; it is address space only.
 */
static uint64_t
arena_segments_for (uint64_t nslots)
{
  uint64_t n = nslots / 4 + nslots / 8 + 64;

  return n < ID_MAX ? n : ID_MAX;
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
  uint32_t b;

  *a = (struct arena) {
    .layout = layout, .n = counters, .spare = NIL, .victim = NIL,
  };
  for (b = 0; b < BUCKETS; ++b)
    a->bucket[b] = NIL;

  segments.max_units = arena_segments_for (nslots);
  a->segment_bytes = segments.max_units * sizeof (struct segment);
  a->segment = os_alloc (a->segment_bytes);
  if (!a->segment)
    return -ENOMEM;
  if (pool_init (&a->segments, &segments, account) < 0) {
    os_free (a->segment, a->segment_bytes);
    a->segment = NULL;
    return -ENOMEM;
  }
  return 0;
}

int
arena_grow (struct arena *a, uint64_t nslots)
{
  size_t bytes = arena_segments_for (nslots) * sizeof (struct segment);
  struct segment *segment;

  if (bytes > a->segment_bytes) {
    segment = os_grow (a->segment, a->segment_bytes, bytes);
    if (!segment)
      return -ENOMEM;
    a->segment = segment;
    a->segment_bytes = bytes;
  }
  return pool_grow (&a->segments, arena_segments_for (nslots));
}

void
arena_destroy (struct arena *a)
{
  if (!a->segment)
    return;
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

/* Lists by room, and the choice of a segment: best fit, from lists that
 * each hold segments of nearly the same room and a bit for each list that
 * is not empty.  Among the tightest few one that takes the object without
 * moving others is preferred: that halves the bytes moved and costs 0.2 %
 * of memory.
 */

static uint32_t
arena_room (const struct arena *a, uint32_t id)
{
  return (uint32_t) segment_room (a->layout, &a->segment[id], 0);
}

void
arena_list (struct arena *a, uint32_t id)
{
  uint32_t room = arena_room (a, id), b = room >> BUCKET_SHIFT;
  struct segment *s = &a->segment[id];

  s->prev = NIL;
  s->next = a->bucket[b];
  if (s->next != NIL)
    a->segment[s->next].prev = id;
  a->bucket[b] = id;
  a->bucket_bits[b / 64] |= UINT64_C (1) << b % 64;
  a->listed++;
  counter_add (&a->n->room, room);
}

void
arena_unlist (struct arena *a, uint32_t id)
{
  uint32_t room = arena_room (a, id), b = room >> BUCKET_SHIFT;
  struct segment *s = &a->segment[id];

  CHEAP (I4, (s->prev == NIL ? a->bucket[b] : a->segment[s->prev].next) ==
         id);
  CHEAP (I4, s->next == NIL || a->segment[s->next].prev == id);
  if (s->next != NIL)
    a->segment[s->next].prev = s->prev;
  if (s->prev != NIL)
    a->segment[s->prev].next = s->next;
  else {
    a->bucket[b] = s->next;
    if (s->next == NIL)
      a->bucket_bits[b / 64] &= ~(UINT64_C (1) << b % 64);
  }
  a->listed--;
  counter_sub (&a->n->room, room);
}

/* The last list before b that is not empty, or BUCKETS. */
static uint32_t
arena_last_bucket (const struct arena *a, uint32_t b)
{
  uint32_t w = b / 64;
  uint64_t bits = b % 64 ? a->bucket_bits[w] & ~(UINT64_MAX << b % 64) : 0;

  while (bits == 0) {
    if (w-- == 0)
      return BUCKETS;
    bits = a->bucket_bits[w];
  }
  return w * 64 + 63 - (uint32_t) __builtin_clzll (bits);
}

uint32_t
arena_emptiest (const struct arena *a, struct except except)
{
  uint32_t b = BUCKETS, id;

  while ((b = arena_last_bucket (a, b)) != BUCKETS)
    for (id = a->bucket[b]; id != NIL; id = a->segment[id].next)
      if (id != except.a && id != except.b)
        return id;
  return NIL;
}

/* The first list from b on that is not empty, or BUCKETS. */
static uint32_t
arena_next_bucket (const struct arena *a, uint32_t b)
{
  uint32_t w = b / 64;
  uint64_t bits;

  if (b >= BUCKETS)
    return BUCKETS;
  bits = a->bucket_bits[w] & UINT64_MAX << b % 64;
  while (bits == 0) {
    if (++w == BUCKET_WORDS)
      return BUCKETS;
    bits = a->bucket_bits[w];
  }
  return w * 64 + (uint32_t) __builtin_ctzll (bits);
}

uint32_t
arena_choose (const struct arena *a, uint32_t size, struct except except,
              uint32_t third)
{
  const struct layout *l = a->layout;
  uint32_t b = (size + segment_directory (l, 1)) >> BUCKET_SHIFT;
  uint32_t id, tightest = NIL;
  unsigned looked = 0, here;

  /* In the first list some are too small; in the rest all fit but those
   * left out, which are three at most.  So a few looks at each list are
   * enough to find one that fits if there is any.
   */
  for (b = arena_next_bucket (a, b); b < BUCKETS;
       b = arena_next_bucket (a, b + 1)) {
    for (id = a->bucket[b], here = 0; id != NIL && here < CANDIDATES;
         id = a->segment[id].next, ++here, ++looked) {
      const struct segment *s = &a->segment[id];

      if (id != except.a && id != except.b && id != third &&
          segment_room (l, s, 1) >= (int32_t) size) {
        if (segment_takes (l, s, size))
          return id;
        if (tightest == NIL)
          tightest = id;
      }
    }
    if (tightest != NIL && looked >= CANDIDATES)
      break;
  }
  return tightest;
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
}

void
arena_drain (struct arena *a, unsigned blocks)
{
  arena_cool (a);
  pool_drain (&a->segments, blocks);
}

/* The spare becomes a segment in use. */
static uint32_t
arena_open_spare (struct arena *a)
{
  uint32_t id = a->spare;

  a->spare = NIL;
  a->segment[id] = (struct segment) { .prev = NIL, .next = NIL };
  arena_list (a, id);
  return id;
}

static void
arena_recycle (struct arena *a, uint32_t id)
{
  if (a->spare == NIL)
    a->spare = id;
  else
    pool_free (&a->segments, id);
}

char *
arena_put (struct arena *a, uint32_t id, uint64_t slot, uint32_t length,
           enum kind kind, unsigned coding)
{
  const struct layout *l = a->layout;
  char *base = arena_base (a, id);
  uint32_t i;

  CHEAP (I4, id != a->spare && id != a->victim);
  arena_unlist (a, id);
  i = segment_insert (l, base, &a->segment[id], slot, length, kind, coding);
  arena_list (a, id);
  counter_add (&a->n->entries, 1);
  return segment_bytes (l, base, *segment_dirent (l, base, i));
}

void
arena_take (struct arena *a, uint32_t id, uint32_t i)
{
  struct segment *s = &a->segment[id];

  CHEAP (I4, id != a->spare && s->count > i);
  if (id != a->victim)
    arena_unlist (a, id);
  segment_remove (a->layout, arena_base (a, id), s, i);
  counter_sub (&a->n->entries, 1);
  if (s->count == 0) {
    if (id == a->victim)
      a->victim = NIL;
    arena_recycle (a, id);
  }
  else if (id != a->victim)
    arena_list (a, id);
}

/* Storing. */

static uint32_t
arena_store_whole (struct arena *a, uint32_t id, uint64_t slot,
                   const struct object *o)
{
  char *p = arena_put (a, id, slot, o->length, o->kind, o->coding);

  memcpy (p, o->data, o->length);
  arena_tally (a, o, 1);
  return id;
}

/* Split an object: as much as fits to the emptiest segment, the rest
 * where it fits best, or to the spare.  NIL: not worth it, or no room for
 * the rest.
 */
static uint32_t
arena_store_split (struct arena *a, uint64_t slot, const struct object *o,
                   struct except except, bool may_open)
{
  const struct layout *l = a->layout;
  uint32_t head_id = arena_emptiest (a, except), tail_id, head, tail, most;
  const char *data = o->data;
  int32_t room;
  char *p;

  if (head_id == NIL)
    return NIL;
  room = segment_room (l, &a->segment[head_id], 1);
  most = o->length + LINK_BYTES - FRAGMENT_MIN * l->granule;
  if (room < (int32_t) RESIDUE_MIN ||
      o->length <= 2 * FRAGMENT_MIN * l->granule)
    return NIL;
  head = (uint32_t) room << l->granule_shift;
  if (head > most)
    head = most;
  tail = o->length - (head - LINK_BYTES);

  tail_id = arena_choose (a, to_granules (l, tail), except, head_id);
  if (tail_id == NIL && may_open)
    tail_id = arena_open_spare (a);
  if (tail_id == NIL)
    return NIL;

  p = arena_put (a, tail_id, slot, tail, KIND_TAIL, o->coding);
  memcpy (p, data + head - LINK_BYTES, tail);
  p = arena_put (a, head_id, slot, head, KIND_HEAD, o->coding);
  link_set (p, tail_id);
  memcpy (p + LINK_BYTES, data, head - LINK_BYTES);
  arena_tally (a, o, 1);
  counter_add (&a->n->splits, 1);
  return head_id;
}

uint32_t
arena_store (struct arena *a, uint64_t slot, const struct object *o,
             struct except except)
{
  uint32_t id = arena_squeeze (a, slot, o, except);

  if (id == NIL)
    id = arena_store_split (a, slot, o, except, true);
  if (id == NIL)
    id = arena_store_whole (a, arena_open_spare (a), slot, o);
  return id;
}

uint32_t
arena_squeeze (struct arena *a, uint64_t slot, const struct object *o,
               struct except except)
{
  uint32_t size = to_granules (a->layout, o->length);
  uint32_t id = arena_choose (a, size, except, NIL);

  return id != NIL ? arena_store_whole (a, id, slot, o)
    : arena_store_split (a, slot, o, except, false);
}

/* Finding. */

/* Entry i for slot in a segment, and its bytes: 0 or -EIO. */
static int
arena_find_fragment (const struct arena *a, uint32_t id, uint64_t slot,
                     bool tail,
                     uint32_t *i, uint64_t *e, char **p)
{
  const struct layout *l = a->layout;
  char *base = arena_base (a, id);
  int n = segment_find (l, base, &a->segment[id], slot, tail);

  if (n < 0)
    return -EIO;
  *i = (uint32_t) n;
  *e = *segment_dirent (l, base, *i);
  *p = segment_bytes (l, base, *e);
  return segment_holds (l, *e) ? 0 : -EIO;
}

int
arena_find (const struct arena *a, uint32_t id, uint64_t slot,
            struct found *at)
{
  at->id = id;
  at->tail_id = NIL;
  if (arena_find_fragment (a, id, slot, false, &at->i, &at->e, &at->p) < 0)
    return -EIO;
  if (dirent_kind (at->e) != KIND_HEAD)
    return 0;

  if (dirent_length (a->layout, at->e) <= LINK_BYTES)
    return -EIO;
  at->tail_id = link_get (at->p);
  if (!pool_is_used (&a->segments, at->tail_id))
    return -EIO;
  return arena_find_fragment (a, at->tail_id, slot, true, &at->tail_i,
                              &at->tail_e, &at->tail_p);
}

/* What lies there, but for its bytes. */
struct object
arena_found_object (const struct layout *l, const struct found *at)
{
  struct object o = {
    .length = dirent_length (l, at->e), .kind = dirent_kind (at->e),
    .coding = dirent_coding (at->e),
  };

  if (at->tail_id != NIL) {
    o.length += dirent_length (l, at->tail_e) - LINK_BYTES;
    o.kind = KIND_OBJECT;
  }
  return o;
}

int
arena_load (const struct arena *a, const struct found *at, void *buf,
            struct object *o)
{
  const struct layout *l = a->layout;
  uint32_t head = dirent_length (l, at->e);

  *o = arena_found_object (l, at);
  o->data = buf;
  if (o->length > l->object_max)
    return -EIO;
  if (at->tail_id == NIL)
    memcpy (buf, at->p, head);
  else {
    head -= LINK_BYTES;
    memcpy (buf, at->p + LINK_BYTES, head);
    memcpy ((char *) buf + head, at->tail_p, dirent_length (l, at->tail_e));
  }
  return 0;
}

void
arena_free (struct arena *a, const struct found *at)
{
  struct object o = arena_found_object (a->layout, at);
  uint32_t i = at->i;

  arena_tally (a, &o, -1);
  if (at->tail_id != NIL) {
    arena_take (a, at->tail_id, at->tail_i);
    counter_sub (&a->n->splits, 1);
    /* head and tail may share a segment, and the entry have moved */
    if (at->tail_id == at->id && at->tail_i < i)
      i--;
  }
  arena_take (a, at->id, i);
}
