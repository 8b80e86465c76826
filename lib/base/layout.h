/* nbdkit-zram: the layout of stored data, and the limits that it implies.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Glossary
 *   page      the unit of compression, 4 KiB to 64 KiB, the same for a disk
 *   slot      the number of a page on the disk
 *   object    a stored page: compressed bytes, or one repeated word
 *   fragment  a part of an object that was split over two segments
 *   segment   four pages of memory, packed with objects; below
 *   raw page  a page that does not compress, in a page of its own
 *   entry     the table's four bytes for a slot; below
 *   shard     a part of the disk with its own lock, table and arena
 *
 * A segment, here with three objects and a gap where one was freed:
 *
 *   0                       tail                                 segment
 *   +--------+-------+-------+------------- - - -----+-----+-----+-----+
 *   | obj A  | (gap) | obj B |obj C |    free        | C   | B   | A   |
 *   +--------+-------+-------+------------- - - -----+-----+-----+-----+
 *    objects grow up ->                          <- directory grows down
 *
 * Objects begin at multiples of the granule (one byte for 4 KiB pages).
 * The directory is in address order.  An object can move inside its segment
 * without a change to the table: the table knows only the segment, and the
 * directory is searched for the slot.
 *
 * A directory entry is 64 bits, whatever the page size: larger pages need
 * more bits for the length, and as many fewer for the slot.
 *
 *   63  60 59  58 57      44 43              44-s 43-s               0
 *   +-----+------+----------+--------------------+--------------------+
 *   |code | kind | offset   | length, s bits     | slot, 44 - s bits  |
 *   +-----+------+----------+--------------------+--------------------+
 *
 * s is log2 of the page size (12 to 16), the length is in bytes, the
 * offset in granules.  So a disk has at most 2^(44-s) slots of 2^s bytes:
 * 16 TiB for every page size.
 */

#ifndef ZRAM_LAYOUT_H
#define ZRAM_LAYOUT_H

#include <stdint.h>

#include "zram.h"

#define OS_PAGE 4096u

#define LENGTH_END 44           /* first bit above length and slot */
#define OFFSET_BITS 14
#define KIND_SHIFT (LENGTH_END + OFFSET_BITS)
#define CODING_SHIFT (KIND_SHIFT + 2)

/* Ways in which an object can have been written (coding.h). */
#define CODINGS_MAX 16u

_Static_assert (CODING_SHIFT + 4 == 64, "an entry is 64 bits");
_Static_assert (ZRAM_SIZE_MAX == UINT64_C (1) << LENGTH_END,
                "slot and length bits address the largest disk");

/* A segment has this many granules, for every page size. */
#define SEGMENT_GRANULES (1u << OFFSET_BITS)
#define SEGMENT_PAGES 4

enum kind {
  KIND_OBJECT,                  /* whole: compressed bytes */
  KIND_FILL,                    /* whole: the repeated word */
  KIND_HEAD,                    /* link (segment of the tail) and bytes */
  KIND_TAIL,                    /* the rest of the bytes */
};
#define LINK_BYTES 4u
#define FILL_BYTES 8u
#define DIRENT_BYTES 8u

/* In granules: the smallest fragment that is worth its directory entry and
 * the second cache miss of each load.
 */
#define FRAGMENT_MIN 64u

/* In granules: the least room that a segment must have for a fragment. */
#define RESIDUE_MIN 512u

/* The values that follow from the page size. */
struct layout {
  unsigned page_shift;
  uint32_t page;                /* bytes */
  uint32_t segment;             /* bytes */
  unsigned granule_shift;
  uint32_t granule;             /* bytes */
  uint32_t object_max;          /* bytes; a larger page is kept raw */
  uint64_t slot_mask, length_mask;
};

/* Return the layout for a page size in bytes, a power of two. */
static inline struct layout
layout_for_page (uint32_t page)
{
  struct layout l = { .page = page };

  l.page_shift = (unsigned) __builtin_ctz (page);
  l.segment = page * SEGMENT_PAGES;
  l.granule_shift = l.page_shift - 12;
  l.granule = 1u << l.granule_shift;
  /* Below this saving, reading back would cost more than memory saves. */
  l.object_max = page - page / 32;
  l.length_mask = page - 1;
  l.slot_mask = (UINT64_C (1) << (LENGTH_END - l.page_shift)) - 1;
  return l;
}

/* Return bytes in granules, rounded up. */
static inline uint32_t
to_granules (const struct layout *l, uint32_t bytes)
{
  return (bytes + l->granule - 1) >> l->granule_shift;
}

/* Return a directory entry.  The offset is in granules, the length in bytes. */
static inline uint64_t
dirent_pack (const struct layout *l, uint64_t slot, uint32_t offset,
             uint32_t length, enum kind kind, unsigned coding)
{
  return slot
    | (uint64_t) length << (LENGTH_END - l->page_shift)
    | (uint64_t) offset << LENGTH_END
    | (uint64_t) kind << KIND_SHIFT
    | (uint64_t) coding << CODING_SHIFT;
}

/* Return the slot of a directory entry. */
static inline uint64_t
dirent_slot (const struct layout *l, uint64_t e)
{
  return e & l->slot_mask;
}

/* Return its length, in bytes. */
static inline uint32_t
dirent_length (const struct layout *l, uint64_t e)
{
  return (e >> (LENGTH_END - l->page_shift)) & l->length_mask;
}

/* Return its offset, in granules. */
static inline uint32_t
dirent_offset (uint64_t e)
{
  return (e >> LENGTH_END) & (SEGMENT_GRANULES - 1);
}

/* Return its kind, and its coding. */
static inline enum kind
dirent_kind (uint64_t e)
{
  return (enum kind) ((e >> KIND_SHIFT) & 3);
}

static inline unsigned
dirent_coding (uint64_t e)
{
  return (unsigned) (e >> CODING_SHIFT);
}

/* The tag of a table entry says what its id is. */
#define ID_BITS 30
enum tag {
  TAG_EMPTY,                    /* nothing is stored: reads as zeroes */
  TAG_OBJECT,                   /* the segment of the object, or of its head */
  TAG_RAW,                      /* a raw page */
  TAG_AWAY,                     /* kept elsewhere; nothing makes it yet */
};
/* Above the leaves of the table: the id of a node. */
#define TAG_NODE TAG_OBJECT

#define ENTRY_HOLE 0u           /* empty */
#define ENTRY_ZERO 1u           /* empty, but allocated */

/* All ids are below this, so that every id fits into an entry.  One shard can
 * have enough segments for the whole of the largest disk.  If a shard grows to
 * more slots than this, it can keep at most this many of them raw.
 */
#define ID_MAX (UINT32_C (1) << ID_BITS)

_Static_assert (TAG_AWAY >> (32 - ID_BITS) == 0,
                "an entry is 32 bits: a tag and an id");
_Static_assert (ID_MAX * (uint64_t) ZRAM_PAGE_MIN * SEGMENT_PAGES >=
                ZRAM_SIZE_MAX, "segments for the largest disk");

/* Return a table entry. */
static inline uint32_t
entry_make (enum tag tag, uint32_t id)
{
  return (uint32_t) tag << ID_BITS | id;
}

/* Return the tag of a table entry, and its id. */
static inline enum tag
entry_tag (uint32_t entry)
{
  return (enum tag) (entry >> ID_BITS);
}

static inline uint32_t
entry_id (uint32_t entry)
{
  return entry & (ID_MAX - 1);
}

/* Return whether an entry stores nothing, or a raw page. */
static inline bool
entry_is_empty (uint32_t entry)
{
  return entry_tag (entry) == TAG_EMPTY;
}

static inline bool
entry_is_raw (uint32_t entry)
{
  return entry_tag (entry) == TAG_RAW;
}

#endif /* ZRAM_LAYOUT_H */
