/* nbdkit-zram: compaction: emptying segments.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every write and trim that finds too much room spread over the segments
 * moves about a page of bytes from the emptiest of them, the victim, into
 * the room of the others.  A victim takes part in nothing else until it
 * is empty or its objects find no place.  So memory follows what is
 * stored, and no operation waits for more than a page's worth of moving,
 * or a few objects' where they are small.
 */

#include <config.h>

#include <string.h>

#include "arena.h"

/* After a victim could not be emptied, try again when half a segment
 * more room has come up, or after so many steps asked for.
 */
#define STALL_ROOM (SEGMENT_GRANULES / 2)
#define STALL_STEPS 256

/* A step moves about a page of bytes, and of small objects so many: each
 * costs as much as a write of its own.
 */
#define STEP_OBJECTS 16

/* Move a whole object. */
static bool
arena_move_object (struct arena *a, const struct arena_index *index,
                   uint64_t e,
                   char *p)
{
  const struct layout *l = a->layout;
  struct object o = {
    .data = p, .length = dirent_length (l, e), .kind = dirent_kind (e),
    .coding = dirent_coding (e),
  };
  uint64_t slot = dirent_slot (l, e);
  uint32_t id = arena_squeeze (a, slot, &o, except_none);

  if (id == NIL)
    return false;
  arena_tally (a, &o, -1);      /* counted twice now */
  index->set (index->opaque, slot, id);
  return true;
}

/* The bytes of the head that belongs to a tail, or NULL. */
static char *
arena_head (const struct arena *a, const struct arena_index *index,
            uint64_t slot)
{
  const struct layout *l = a->layout;
  uint32_t id = index->get (index->opaque, slot);
  char *base;
  int i;

  if (id == NIL)
    return NULL;
  base = arena_base (a, id);
  i = segment_find (l, base, &a->segment[id], slot, false);
  return i < 0 ? NULL
    : segment_bytes (l, base, *segment_dirent (l, base, (uint32_t) i));
}

/* Move a fragment, as it is, and tell whoever points to it. */
static bool
arena_move_fragment (struct arena *a, const struct arena_index *index,
                     uint64_t e,
                     char *p)
{
  const struct layout *l = a->layout;
  uint64_t slot = dirent_slot (l, e);
  uint32_t length = dirent_length (l, e);
  bool tail = dirent_kind (e) == KIND_TAIL;
  uint32_t id = arena_choose (a, to_granules (l, length), except_none, NIL);

  if (id == NIL || (tail && !arena_head (a, index, slot)))
    return false;
  memcpy (arena_put (a, id, slot, length, dirent_kind (e),
                     dirent_coding (e)), p, length);
  /* The head may have been moved just now, to make room. */
  if (tail)
    link_set (arena_head (a, index, slot), id);
  else
    index->set (index->opaque, slot, id);
  return true;
}

/* Move the victim's last object. */
static bool
arena_move_last (struct arena *a, const struct arena_index *index,
                 uint32_t *length)
{
  const struct layout *l = a->layout;
  uint32_t i = a->segment[a->victim].count - 1u;
  char *base = arena_base (a, a->victim);
  uint64_t e = *segment_dirent (l, base, i);
  char *p = segment_bytes (l, base, e);
  bool whole = dirent_kind (e) == KIND_OBJECT || dirent_kind (e) == KIND_FILL;

  if (!(whole ? arena_move_object (a, index, e, p)
        : arena_move_fragment (a, index, e, p)))
    return false;
  *length = dirent_length (l, e);
  counter_add (&a->n->moved, 1);
  counter_add (&a->n->moved_bytes, *length);
  arena_take (a, a->victim, i);
  return true;
}

static void
arena_stall (struct arena *a)
{
  arena_list (a, a->victim);
  a->victim = NIL;
  a->stalled_room = counter_get (&a->n->room);
  a->stalled_steps = STALL_STEPS;
}

bool
arena_compact_step (struct arena *a, const struct arena_index *index)
{
  uint32_t done = 0, length, objects;

  if (a->stalled_steps) {
    a->stalled_steps--;
    if (counter_get (&a->n->room) < a->stalled_room + STALL_ROOM)
      return false;
    a->stalled_steps = 0;
  }
  if (a->victim == NIL) {
    a->victim = arena_emptiest (a, except_none);
    if (a->victim == NIL)
      return false;
    arena_unlist (a, a->victim);
  }
  for (objects = 0; done < a->layout->page && objects < STEP_OBJECTS;
       done += length, ++objects) {
    if (!arena_move_last (a, index, &length)) {
      arena_stall (a);
      return false;
    }
    if (a->victim == NIL) {
      counter_add (&a->n->emptied, 1);
      break;
    }
  }
  return true;
}
