/* nbdkit-zram: inside one segment: objects, gaps and the directory.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Gap number i lies before object number i; the gap after the last
 * object, the tail, is number count and reaches to the directory.
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "invariant.h"
#include "segment.h"

static uint32_t
segment_entry_size (const struct layout *l, uint64_t e)
{
  return to_granules (l, dirent_length (l, e));
}

static uint32_t
segment_entry_end (const struct layout *l, uint64_t e)
{
  return dirent_offset (e) + segment_entry_size (l, e);
}

/* The end of the object before number i. */
static uint32_t
segment_end_before (const struct layout *l, char *base, uint32_t i)
{
  return i == 0 ? 0 : segment_entry_end (l, *segment_dirent (l, base, i - 1));
}

static uint32_t
segment_gap_before (const struct layout *l, char *base, uint32_t i)
{
  return dirent_offset (*segment_dirent (l, base, i)) -
    segment_end_before (l, base, i);
}

/* Count tail and gap from the directory.  That may have thousands of
 * entries, so it is done only where objects were moved.
 */
static void
segment_survey (const struct layout *l, char *base, struct segment *s)
{
  uint32_t i, end = 0, gap = 0;

  for (i = 0; i < s->count; ++i) {
    uint64_t e = *segment_dirent (l, base, i);
    uint32_t before = dirent_offset (e) - end;

    if (before > gap)
      gap = before;
    end = segment_entry_end (l, e);
  }
  s->tail = (uint16_t) end;
  s->gap = (uint16_t) gap;
}

/* A gap that was as large as any is smaller, or gone: look for another, no
 * further than to one that is as large.
 */
static void
segment_find_gap (const struct layout *l, char *base, struct segment *s)
{
  uint32_t i, end = 0, gap = 0, most = s->gap;

  for (i = 0; i < s->count && gap < most; ++i) {
    uint64_t e = *segment_dirent (l, base, i);
    uint32_t before = dirent_offset (e) - end;

    if (before > gap)
      gap = before;
    end = segment_entry_end (l, e);
  }
  s->gap = (uint16_t) gap;
}

/* There is a gap that is new or larger. */
static void
segment_widen (struct segment *s, uint32_t gap)
{
  if (gap > s->gap)
    s->gap = (uint16_t) gap;
}

int
segment_find (const struct layout *l, char *base, const struct segment *s,
              uint64_t slot, bool tail)
{
  uint32_t i;

  for (i = 0; i < s->count; ++i) {
    uint64_t e = *segment_dirent (l, base, i);

    if (dirent_slot (l, e) == slot && (dirent_kind (e) == KIND_TAIL) == tail)
      return (int) i;
  }
  return -1;
}

/* The smallest gap that holds size, as the number of the object after
 * it; count for the tail.
 */
static uint32_t
segment_best_gap (const struct layout *l, char *base, const struct segment *s,
                  uint32_t size)
{
  uint32_t i, best = s->count, best_gap = UINT32_MAX;

  if (s->gap < size)
    return best;
  for (i = 0; i < s->count && best_gap > size; ++i) {
    uint32_t gap = segment_gap_before (l, base, i);

    if (gap >= size && gap < best_gap) {
      best = i;
      best_gap = gap;
    }
  }
  return best;
}

/* Close the gaps before objects a .. b-1, so that they all end up in a
 * gap before object b.
 */
static void
segment_slide (const struct layout *l, char *base, uint32_t a, uint32_t b)
{
  uint32_t i, end = segment_end_before (l, base, a);

  for (i = a; i < b; ++i) {
    uint64_t *e = segment_dirent (l, base, i);
    char *from = segment_bytes (l, base, *e);

    *e = dirent_pack (l, dirent_slot (l, *e), end, dirent_length (l, *e),
                      dirent_kind (*e), dirent_coding (*e));
    memmove (segment_bytes (l, base, *e), from, dirent_length (l, *e));
    end = segment_entry_end (l, *e);
  }
}

/* Make room for size by closing neighbouring gaps, moving as little as
 * possible: the cheapest window of gaps [a, b] that together hold it.
 * The number of the object before which it now fits.
 */
static uint32_t
segment_make_room (const struct layout *l, char *base, struct segment *s,
                   uint32_t size)
{
  int32_t tail = segment_tail_room (l, s, 1);
  uint32_t a = 0, b, best_a = 0, best_b = s->count;
  uint64_t room = 0, moved = 0, best = UINT64_MAX;

  /* Windows that end before the tail, if the new directory entry fits. */
  for (b = 0; tail >= 0 && b < s->count; ++b) {
    room += segment_gap_before (l, base, b);
    /* leave out gaps at the near end while the rest is enough */
    while (a < b && room - segment_gap_before (l, base, a) >= size) {
      room -= segment_gap_before (l, base, a);
      moved -= segment_entry_size (l, *segment_dirent (l, base, a));
      a++;
    }
    if (room >= size && moved < best) {
      best = moved;
      best_a = a;
      best_b = b;
    }
    moved += segment_entry_size (l, *segment_dirent (l, base, b));
  }

  /* The window that ends with the tail, from the tail down. */
  {
    int64_t sum = tail;

    moved = 0;
    for (a = s->count; sum < (int64_t) size && a > 0; --a) {
      moved += segment_entry_size (l, *segment_dirent (l, base, a - 1));
      sum += segment_gap_before (l, base, a - 1);
    }
    if (moved < best) {
      best_a = a;
      best_b = s->count;
    }
  }

  segment_slide (l, base, best_a, best_b);
  return best_b;
}

static void
segment_check_all (const struct layout *l, char *base, const struct segment *s)
{
  CHEAP (I2, s->used <= s->tail && segment_tail_room (l, s, 0) >= 0);
  FULL (I1, segment_check (l, base, s) == 0);
}

uint32_t
segment_insert (const struct layout *l, char *base, struct segment *s,
                uint64_t slot, uint32_t length, enum kind kind,
                unsigned coding)
{
  uint32_t size = to_granules (l, length), i, gap = 0;
  bool takes = segment_takes (l, s, size);
  uint64_t *last;

  CHEAP (I2, segment_room (l, s, 1) >= (int32_t) size);
  FULL (I3, segment_find (l, base, s, slot, kind == KIND_TAIL) < 0);
  i = takes ? segment_best_gap (l, base, s, size) : segment_make_room (l,
                                                                       base,
                                                                       s,
                                                                       size);
  if (i < s->count)
    gap = segment_gap_before (l, base, i);

  /* Entries from i on move one place towards the objects. */
  last = segment_dirent (l, base, s->count);
  memmove (last, last + 1, (s->count - i) * sizeof *last);
  *segment_dirent (l, base, i) =
    dirent_pack (l, slot, segment_end_before (l, base, i), length, kind,
                 coding);
  s->count++;
  s->used = (uint16_t) (s->used + size);
  if (!takes)
    segment_survey (l, base, s);
  else if (i + 1 == s->count)
    s->tail = (uint16_t) segment_end_before (l, base, s->count);
  else if (gap == s->gap)
    segment_find_gap (l, base, s);
  segment_check_all (l, base, s);
  return i;
}

void
segment_remove (const struct layout *l, char *base, struct segment *s,
                uint32_t i)
{
  uint64_t *last = segment_dirent (l, base, s->count - 1u);
  uint32_t gap = segment_gap_before (l, base, i);

  s->used = (uint16_t)
    (s->used - segment_entry_size (l, *segment_dirent (l, base, i)));
  memmove (last + 1, last, (s->count - 1u - i) * sizeof *last);
  s->count--;
  if (i < s->count)
    segment_widen (s, segment_gap_before (l, base, i));
  else {
    s->tail = (uint16_t) segment_end_before (l, base, i);
    if (gap && gap == s->gap)
      segment_find_gap (l, base, s);
  }
  segment_check_all (l, base, s);
}

void
segment_shrink (const struct layout *l, char *base, struct segment *s,
                uint32_t i, uint32_t length, enum kind kind,
                unsigned coding)
{
  uint64_t *e = segment_dirent (l, base, i);

  s->used = (uint16_t)
    (s->used - segment_entry_size (l, *e) + to_granules (l, length));
  *e = dirent_pack (l, dirent_slot (l, *e), dirent_offset (*e), length,
                    kind, coding);
  if (i + 1 == s->count)
    s->tail = (uint16_t) segment_entry_end (l, *e);
  else
    segment_widen (s, segment_gap_before (l, base, i + 1));
  segment_check_all (l, base, s);
}

int
segment_check (const struct layout *l, char *base, const struct segment *s)
{
  struct segment again = *s;
  uint32_t i, used = 0;

  for (i = 0; i < s->count; ++i) {
    uint64_t e = *segment_dirent (l, base, i);

    if (dirent_offset (e) < segment_end_before (l, base, i) ||
        dirent_length (l, e) == 0)
      return -EIO;
    used += segment_entry_size (l, e);
  }
  segment_survey (l, base, &again);
  if (used != s->used || again.tail != s->tail || again.gap != s->gap ||
      segment_tail_room (l, s, 0) < 0)
    return -EIO;
  return 0;
}
