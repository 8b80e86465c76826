/* nbdkit-zram: the arena: where the objects of a shard live.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Segments in use are listed by the room they have left.  An object goes
 * to the tightest that will take it; when none will it is split over two
 * if that saves opening another.  An object is known by its slot and the
 * id of its segment; raw pages and table entries are the store's affair.
 *
 *   arena.c          segments by their room; objects: store, find, free
 *   arena-replace.c  an object where another is
 *   arena-compact.c  emptying segments
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

/* What is stored, and what was done.  Apart from the arena, so that they
 * can be read without its lock, also while a reset puts another in its
 * place.
 */
struct arena_counters {
  struct {
    counter pages, bytes;       /* of compressed objects, without links */
  } coding[CODINGS_MAX];
  counter entries;              /* in directories */
  counter fills;                /* objects that are one word */
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
  uint64_t stalled_room;        /* room when that last got nowhere */
  unsigned stalled_steps;       /* ask again after so many steps */
};

/* What a page became. */
struct object {
  const void *data;
  uint32_t length;              /* bytes, 1 .. layout->object_max */
  enum kind kind;               /* KIND_OBJECT or KIND_FILL */
  unsigned coding;
};

/* nslots: how many slots the shard has.  The counters, all zero, outlive
 * the arena.  -ENOMEM.
 */
extern int arena_init (struct arena *a, const struct layout *layout,
                       uint64_t nslots, struct account *account,
                       struct arena_counters *counters);
extern void arena_destroy (struct arena *a);

/* Let the shard have more slots; never fewer.  -ENOMEM, and nothing is
 * changed that shows.
 */
extern int arena_grow (struct arena *a, uint64_t nslots);

/* Make sure that the next arena_store cannot fail: 0, -ENOSPC, -ENOMEM. */
extern int arena_reserve (struct arena *a);

/* Segments that an object keeps out of; NIL: none.  If its slot has an
 * object already these are the two of that: no segment has two objects of
 * one slot, which its directory could not tell apart.
 */
struct except { uint32_t a, b; };
extern const struct except except_none;

/* Store a copy, after arena_reserve.  The id of its segment. */
extern uint32_t arena_store (struct arena *a, uint64_t slot,
                             const struct object *object,
                             struct except except);

/* Store a copy where there is room, without allocating.  NIL: there is
 * none.
 */
extern uint32_t arena_squeeze (struct arena *a, uint64_t slot,
                               const struct object *object,
                               struct except except);

/* An object where it lies: its one fragment, or two.  Good until something
 * changes in its segments.
 */
struct found {
  uint32_t id, tail_id;         /* segments; tail_id NIL: whole */
  uint32_t i, tail_i;           /* directory entries */
  uint64_t e, tail_e;
  char *p, *tail_p;
};

/* 0, or -EIO if the object is not there or makes no sense. */
extern int arena_find (const struct arena *a, uint32_t id, uint64_t slot,
                       struct found *at);

static inline struct except
found_segments (const struct found *at)
{
  return (struct except) { at->id, at->tail_id };
}

/* Copy an object out to buf, which holds object_max bytes: its length,
 * kind and coding are set and data points to buf.  0, or -EIO if it is too
 * long to be one.
 */
extern int arena_load (const struct arena *a, const struct found *at,
                       void *buf, struct object *object);

/* Put an object in the place of one that is no shorter, without
 * allocating.  False: there is no room.
 */
extern bool arena_replace (struct arena *a, const struct found *at,
                           const struct object *object);

extern void arena_free (struct arena *a, const struct found *at);

/* Is compaction due: is more room spread over the segments than so many
 * thousandths of them and one segment?
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

/* Who knows in which segment the object of a slot, or its head, is. */
struct arena_index {
  uint32_t (*get) (void *opaque, uint64_t slot);        /* NIL: in none */
  void (*set) (void *opaque, uint64_t slot, uint32_t id);
  void *opaque;
};

/* Move about one page of bytes, or a few small objects, out of the
 * emptiest segment, and tell the index.  False: none can be emptied until
 * something changes.
 */
extern bool arena_compact_step (struct arena *a,
                                const struct arena_index *index);

/* Give back what is kept ready for the next write, but for a reserve; and
 * so many blocks of that too, because memory is short.
 */
extern void arena_cool (struct arena *a);
extern void arena_drain (struct arena *a, unsigned blocks);

/* Between arena.c, arena-replace.c and arena-compact.c. */

/* What was found, but for its bytes. */
extern struct object arena_found_object (const struct layout *l,
                                         const struct found *at);

static inline char *
arena_base (const struct arena *a, uint32_t id)
{
  return pool_at (&a->segments, id);
}

/* Put a segment that has objects on the list for its room, and take it
 * off; it is off while it changes.
 */
extern void arena_list (struct arena *a, uint32_t id);
extern void arena_unlist (struct arena *a, uint32_t id);

/* The segment with most room but for those left out, or NIL. */
extern uint32_t arena_emptiest (const struct arena *a,
                                struct except except);

/* The tightest segment for an object of so many granules, one that need
 * not move others if there is one among the tightest few, or NIL.  The
 * segments in `except' are left out, and a third.
 */
extern uint32_t arena_choose (const struct arena *a, uint32_t size,
                              struct except except, uint32_t third);

/* Add an object or a fragment to a segment.  Its bytes, to be filled. */
extern char *arena_put (struct arena *a, uint32_t id, uint64_t slot,
                        uint32_t length, enum kind kind, unsigned coding);

/* Remove entry i of a segment, and recycle the segment if it was the
 * last.
 */
extern void arena_take (struct arena *a, uint32_t id, uint32_t i);

/* Count a whole object in, or out. */
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

/* Where the tail of a head fragment is. */
extern uint32_t link_get (const char *head);
extern void link_set (char *head, uint32_t id);

#endif /* ZRAM_ARENA_H */
