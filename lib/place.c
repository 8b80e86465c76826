/* nbdkit-zram: which segment an object goes to.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Best fit by room, from lists that each hold segments of nearly the same
 * room and a bit for each list that is not empty.  Among the tightest few
 * a segment that takes the object without moving others is preferred:
 * that halves the bytes moved and costs 0.2 % of memory.
 */

#include <config.h>

#include "arena.h"
#include "invariant.h"

/* How many of the tightest to look at. */
#define CANDIDATES 8

const struct except except_none = { NIL, NIL };

static uint32_t
room_of (const struct arena *a, uint32_t id)
{
  return (uint32_t) segment_room (a->layout, &a->segment[id], 0);
}

void
place_list (struct arena *a, uint32_t id)
{
  uint32_t room = room_of (a, id), b = room >> BUCKET_SHIFT;
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
place_unlist (struct arena *a, uint32_t id)
{
  uint32_t room = room_of (a, id), b = room >> BUCKET_SHIFT;
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
last_bucket (const struct arena *a, uint32_t b)
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
place_emptiest (const struct arena *a, struct except except)
{
  uint32_t b = BUCKETS, id;

  while ((b = last_bucket (a, b)) != BUCKETS)
    for (id = a->bucket[b]; id != NIL; id = a->segment[id].next)
      if (id != except.a && id != except.b)
        return id;
  return NIL;
}

/* The first list from b on that is not empty, or BUCKETS. */
static uint32_t
next_bucket (const struct arena *a, uint32_t b)
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
place_choose (const struct arena *a, uint32_t size, struct except except,
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
  for (b = next_bucket (a, b); b < BUCKETS; b = next_bucket (a, b + 1)) {
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
