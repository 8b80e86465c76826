/* nbdkit-zram: the arena: where the objects of a shard live.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Segments in use are listed by the room that they have left.  An object
 * goes to the segment with the least room that it fits into.  If it fits
 * into none, it is split over two, if that saves opening another.  An object
 * is identified by its slot and the id of its segment.  The store, not the
 * arena, handles raw pages and table entries.
 *
 *   arena.c          lists segments by their room; stores, finds, frees objects
 *   arena-replace.c  puts an object in the place of another
 *   arena-compact.c  empties segments
 *   arena-pick.c     picks an object at random
 *
 * Not thread-safe: used under the shard's lock.  No function here calls
 * a codec.
 */

#ifndef ZRAM_ARENA_H
#define ZRAM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "counter.h"
#include "layout.h"
#include "pool.h"
#include "segment.h"

#define NIL UINT32_MAX

/* List b holds segments with 16b to 16b+15 granules of room. */
#define BUCKET_SHIFT 4
#define BUCKETS ((SEGMENT_GRANULES >> BUCKET_SHIFT) + 1)
#define BUCKET_WORDS ((BUCKETS + 63) / 64)

/* Counters of the arena's content and of its work.  They are not a part
 * of the arena, so that they can be read without its lock, even while a reset
 * replaces the arena.
 */
struct arena_counters {
  struct {
    counter pages, bytes;       /* of compressed objects, without links */
  } coding[CODINGS_MAX];
  counter entries;              /* in directories */
  counter fills;                /* objects of one repeated word */
  counter splits;               /* objects in two fragments */
  counter room;                 /* granules free in listed segments */
  counter moved, moved_bytes;   /* by compaction: objects, bytes */
  counter emptied;              /* by compaction: segments */
};

struct arena {
  const struct layout *layout;
  struct arena_counters *n;
  struct pool segments;
  struct segment *segment;      /* by id */
  size_t segment_bytes;         /* of that array */
  uint64_t bucket_bits[BUCKET_WORDS];
  uint32_t bucket[BUCKETS];     /* first of each list, or NIL */
  uint64_t listed;              /* segments in the lists */

  uint32_t spare;               /* an empty segment held ready, or NIL */

  uint32_t victim;              /* the segment being emptied, or NIL */
  uint64_t stalled_room;        /* room when compaction last got stuck */
  unsigned stalled_steps;       /* steps to skip before the next attempt */
};

/* An object, in the caller's memory. */
struct object {
  const void *data;
  uint32_t length;              /* bytes, 1 .. layout->object_max */
  enum kind kind;               /* KIND_OBJECT or KIND_FILL */
  unsigned coding;
};

/* Make an empty arena for a shard of nslots slots.  The counters, all zero,
 * belong to the caller and outlive the arena.  0 or -ENOMEM.
 */
extern int arena_init (struct arena *a, const struct layout *layout,
                       uint64_t nslots, struct account *account,
                       struct arena_counters *counters);
extern void arena_destroy (struct arena *a);

/* Prepare the arena for nslots slots, no fewer than before.  On -ENOMEM it
 * works as before.
 */
extern int arena_grow (struct arena *a, uint64_t nslots);

/* Make sure that the next arena_store cannot fail.  0, -ENOSPC or -ENOMEM. */
extern int arena_reserve (struct arena *a);

/* Segments that an object must not go into; NIL: none.  If its slot already
 * has an object, these are the segments of that object: a directory could not
 * tell two objects of one slot apart.
 */
struct except { uint32_t a, b; };
extern const struct except except_none;

/* Store a copy of an object, after arena_reserve.  Return the id of its
 * segment.
 */
extern uint32_t arena_store (struct arena *a, uint64_t slot,
                             const struct object *object,
                             struct except except);

/* Store a copy of an object in the room that there is, without allocating.
 * Return the id of its segment; NIL if there is no room.
 */
extern uint32_t arena_squeeze (struct arena *a, uint64_t slot,
                               const struct object *object,
                               struct except except);

/* The place of an object: whole, or in two fragments.  It is valid until
 * something changes in its segments.
 */
struct found {
  uint32_t id, tail_id;         /* segments; tail_id NIL: whole */
  uint32_t i, tail_i;           /* numbers of the directory entries */
  uint64_t e, tail_e;           /* the entries */
  char *p, *tail_p;             /* the bytes */
};

/* Find the object of a slot in segment id, and write its place to *at.
 * -EIO if it is not there or makes no sense.
 */
extern int arena_find (const struct arena *a, uint32_t id, uint64_t slot,
                       struct found *at);

/* Return the segments of an object, to keep another object out of them. */
static inline struct except
found_segments (const struct found *at)
{
  return (struct except) { at->id, at->tail_id };
}

/* Copy the bytes of an object to buf, which has room for object_max bytes, and
 * fill in *object; its data points to buf.  -EIO if it is too long to be an
 * object.
 */
extern int arena_load (const struct arena *a, const struct found *at,
                       void *buf, struct object *object);

/* Pick an object by a random number, for samples, and find its slot.  False if
 * that led to none; another number may.
 */
extern bool arena_pick (const struct arena *a, uint64_t random,
                        uint64_t *slot);

/* Put an object in the place of one that is no shorter, without allocating.
 * False if there is no room; the old object then stays.
 */
extern bool arena_replace (struct arena *a, const struct found *at,
                           const struct object *object);

/* Free an object. */
extern void arena_free (struct arena *a, const struct found *at);

/* Return whether compaction is due: whether the room in all segments is more
 * than one segment and per_mille thousandths of their size.
 */
#define COMPACT_BUSY 15         /* while the shard is written to */
#define COMPACT_IDLE 5          /* when it is not */
#define COMPACT_NOW 0           /* on request, and when memory is short */
static inline bool
arena_wants_compaction (const struct arena *a, unsigned per_mille)
{
  return a->victim != NIL ||
    counter_get (&a->n->room) >
    a->listed * SEGMENT_GRANULES / 1000 * per_mille + SEGMENT_GRANULES;
}

/* The index that leads to objects: it gets or sets the segment of the object
 * of a slot, or of its head.
 */
struct arena_index {
  uint32_t (*get) (void *opaque, uint64_t slot);        /* NIL: in none */
  void (*set) (void *opaque, uint64_t slot, uint32_t id);
  void *opaque;
};

/* Move about one page of bytes, or a few small objects, out of the emptiest
 * segment, and set their new segments in the index.  False if no segment can
 * be emptied until something changes.
 */
extern bool arena_compact_step (struct arena *a,
                                const struct arena_index *index);

/* Give back memory that is kept ready for the next write.  arena_cool leaves a
 * reserve alone.  arena_drain also gives back this many blocks of a
 * reserve, because memory is short.
 */
extern void arena_cool (struct arena *a);
extern void arena_drain (struct arena *a, unsigned blocks);

/* Shared by arena.c, arena-replace.c and arena-compact.c only. */

/* Return the object that was found, without its bytes. */
extern struct object arena_found_object (const struct layout *l,
                                         const struct found *at);

/* Return the address of a segment. */
static inline char *
arena_base (const struct arena *a, uint32_t id)
{
  return pool_at (&a->segments, id);
}

/* Put a segment that has objects on the list for its room, and take it off.
 * It must be off the lists while it changes.
 */
extern void arena_list (struct arena *a, uint32_t id);
extern void arena_unlist (struct arena *a, uint32_t id);

/* Return the segment with the most room, except those in `except'; NIL if
 * there is none.
 */
extern uint32_t arena_emptiest (const struct arena *a,
                                struct except except);

/* Return the tightest segment for an object of size granules, or NIL.  If one
 * of the tightest few can take the object without moving others, it is that
 * one.  The segments in `except' are left out, and so is `third'.
 */
extern uint32_t arena_choose (const struct arena *a, uint32_t size,
                              struct except except, uint32_t third);

/* Add an object or a fragment to a segment.  Return the place for its bytes,
 * which the caller fills in.
 */
extern char *arena_put (struct arena *a, uint32_t id, uint64_t slot,
                        uint32_t length, enum kind kind, unsigned coding);

/* Remove entry i of a segment.  If it was the last one, recycle the segment. */
extern void arena_take (struct arena *a, uint32_t id, uint32_t i);

/* Count a whole object in (sign 1) or out (sign -1). */
static inline void
arena_tally (struct arena *a, const struct object *o, int sign)
{
  uint64_t n = (uint64_t) (int64_t) sign;

  if (o->kind == KIND_FILL) {
    counter_add (&a->n->fills, n);
    return;
  }
  counter_add (&a->n->coding[o->coding].pages, n);
  counter_add (&a->n->coding[o->coding].bytes, n * o->length);
}

/* Get or set the segment of the tail, which the head fragment names. */
extern uint32_t link_get (const char *head);
extern void link_set (char *head, uint32_t id);

#endif /* ZRAM_ARENA_H */
