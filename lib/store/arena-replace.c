/* nbdkit-zram: the arena: an object where another is, when memory is short.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "arena.h"

static void
arena_shrink (struct arena *a, uint32_t id, uint32_t i, uint32_t length,
              enum kind kind, unsigned coding)
{
  if (id != a->victim)
    arena_unlist (a, id);
  segment_shrink (a->layout, arena_base (a, id), &a->segment[id], i,
                  length, kind, coding);
  if (id != a->victim)
    arena_list (a, id);
}

bool
arena_replace (struct arena *a, const struct found *at,
               const struct object *o)
{
  const struct layout *l = a->layout;
  const char *data = o->data;
  struct object old = arena_found_object (l, at);
  uint32_t head, rest;

  if (old.length < o->length)
    return false;
  arena_tally (a, &old, -1);
  arena_tally (a, o, 1);
  head = dirent_length (l, at->e);

  if (o->length <= head) {      /* whole, in the first or only place */
    memcpy (at->p, data, o->length);
    arena_shrink (a, at->id, at->i, o->length, o->kind, o->coding);
    if (at->tail_id != NIL) {
      arena_take (a, at->tail_id, at->tail_i);
      counter_sub (&a->n->splits, 1);
    }
    return true;
  }

  head -= LINK_BYTES;
  rest = o->length - head;
  memcpy (at->p + LINK_BYTES, data, head);
  memcpy (at->tail_p, data + head, rest);
  arena_shrink (a, at->id, at->i, head + LINK_BYTES, KIND_HEAD, o->coding);
  arena_shrink (a, at->tail_id, at->tail_i, rest, KIND_TAIL, o->coding);
  return true;
}
