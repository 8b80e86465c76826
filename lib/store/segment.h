/* nbdkit-zram: inside one segment: objects, gaps and the directory.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * layout.h draws a segment.  The functions here do not know other segments,
 * the table or locks.  Offsets and sizes are in granules, lengths in bytes.
 * `base' is the address of the segment.
 */

#ifndef ZRAM_SEGMENT_H
#define ZRAM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"
#include "os.h"

/* The description of a segment.  Placement needs only this, and does not touch
 * the segment itself.
 */
struct segment {
  uint16_t used;                /* granules of objects */
  uint16_t count;               /* directory entries */
  uint16_t tail;                /* end of the last object */
  uint16_t gap;                 /* largest gap before the tail */
  uint32_t prev, next;          /* ids, in the arena's list */
};

/* Return how many granules a directory with count entries takes. */
static inline uint32_t
segment_directory (const struct layout *l, uint32_t count)
{
  return to_granules (l, count * DIRENT_BYTES);
}

/* Return how many granules are left after n more directory entries; negative
 * if these do not fit.
 */
static inline int32_t
segment_room (const struct layout *l, const struct segment *s, uint32_t n)
{
  return (int32_t) (SEGMENT_GRANULES - s->used)
    - (int32_t) segment_directory (l, s->count + n);
}

/* Return how many of these are at the tail, after the last object. */
static inline int32_t
segment_tail_room (const struct layout *l, const struct segment *s,
                   uint32_t n)
{
  return (int32_t) (SEGMENT_GRANULES - s->tail)
    - (int32_t) segment_directory (l, s->count + n);
}

/* Return whether an object of size granules fits without moving another. */
static inline bool
segment_takes (const struct layout *l, const struct segment *s,
               uint32_t size)
{
  int32_t room = segment_tail_room (l, s, 1);

  return room >= (int32_t) size || (room >= 0 && s->gap >= size);
}

/* Return the address of directory entry number i, in address order. */
static inline uint64_t *
segment_dirent (const struct layout *l, char *base, uint32_t i)
{
  return (uint64_t *) (base + l->segment) - 1 - i;
}

/* Return the address of the bytes of an entry's object. */
static inline char *
segment_bytes (const struct layout *l, char *base, uint64_t dirent)
{
  return base + ((size_t) dirent_offset (dirent) << l->granule_shift);
}

/* Return whether an entry's bytes lie within the segment.  Call it before
 * reading them, so that even a damaged directory never leads out of the
 * segment.
 */
static inline bool
segment_holds (const struct layout *l, uint64_t dirent)
{
  return dirent_offset (dirent) +
    to_granules (l, dirent_length (l, dirent)) <= SEGMENT_GRANULES;
}

/* Prefetch a segment's descriptor and most of its directory. */
#define PREFETCH_LINES 4
static inline void
segment_prefetch (const struct layout *l, const char *base,
                  const struct segment *s)
{
  unsigned i;

  __builtin_prefetch (s, 1);
  for (i = 1; i <= PREFETCH_LINES; ++i)
    __builtin_prefetch (base + l->segment - i * OS_ALIGN, 1);
}

/* Return the number of a slot's entry.  With `tail' it is the entry of a tail,
 * otherwise that of a head or a whole object.  -1 if there is none.
 */
extern int segment_find (const struct layout *l, char *base,
                         const struct segment *s, uint64_t slot,
                         bool tail);

/* Add an object, and move others if necessary.  Return the number of its
 * entry; the caller fills in the bytes.  segment_room (.., 1) must be at least
 * the object's size.
 */
extern uint32_t segment_insert (const struct layout *l, char *base,
                                struct segment *s, uint64_t slot,
                                uint32_t length, enum kind kind,
                                unsigned coding);

/* Remove the object of entry i. */
extern void segment_remove (const struct layout *l, char *base,
                            struct segment *s, uint32_t i);

/* Shorten the object of entry i in its place, and set its kind and coding. */
extern void segment_shrink (const struct layout *l, char *base,
                            struct segment *s, uint32_t i,
                            uint32_t length, enum kind kind,
                            unsigned coding);

/* Recount the descriptor from the directory and compare.  -EIO if they
 * differ.
 */
extern int segment_check (const struct layout *l, char *base,
                          const struct segment *s);

#endif /* ZRAM_SEGMENT_H */
