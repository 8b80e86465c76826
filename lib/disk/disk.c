/* nbdkit-zram: the data path: read, zero, trim.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A request is split into pages.  All coding and decoding is done in the
 * thread's workspace outside of every lock; a shard's lock is taken to
 * copy an object out (shard_fetch) or to put a new one in
 * (shard_publish, see disk-write.c), and held over one page at a time.
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "disk.h"
#include "page-code.h"

/* Reading. */

int
disk_decode (struct zram_disk *d, struct workspace *w,
             const struct content *c, char *page)
{
  int r = page_decode (&d->layout, &d->codings, w, c, page);

  if (r < 0)
    stats_add (&d->stats, STAT_CORRUPT, 1);
  return r;
}

int
disk_fetch (struct zram_disk *d, struct shard *s, uint64_t slot,
            struct fetch *f, struct claim *claim)
{
  int r;

  shard_lock (s);
  r = shard_fetch (s, slot, f);
  if (r == 0 && claim)
    claim_take (&s->claims, claim, slot);
  shard_unlock (s);
  if (r == -EIO)
    stats_add (&d->stats, STAT_CORRUPT, 1);
  return r;
}

static int
disk_read_piece (struct zram_disk *d, struct workspace *w,
                 const struct piece *p, char *buf)
{
  struct shard *s = slot_shard (d, p->slot);
  struct fetch f = { .buf = w->in, .raw = buf, .from = p->from, .n = p->n };
  bool whole = p->n == d->layout.page;
  int r;

  r = disk_fetch (d, s, slot_local (d, p->slot), &f, NULL);
  if (r < 0)
    return r;
  if (f.content.type == CONTENT_HOLE || f.content.type == CONTENT_ZERO)
    memset (buf, 0, p->n);
  else if (whole)
    r = disk_decode (d, w, &f.content, buf);
  else if (f.content.type == CONTENT_OBJECT) {
    r = disk_decode (d, w, &f.content, w->page);
    if (r == 0)
      memcpy (buf, w->page + p->from, p->n);
  }
  return r;
}

int
zram_pread (struct zram_disk *d, void *vbuf, uint64_t count,
            uint64_t offset)
{
  uint64_t total = count, start = latency_now ();
  char *buf = vbuf;
  int r = 0;

  if (!disk_has (d, count, offset))
    return -EINVAL;
  while (count > 0 && r == 0) {
    struct piece p = disk_first_piece (d, count, offset);
    struct workspace *w = workspace_get (&d->workspaces);

    r = disk_read_piece (d, w, &p, buf);
    workspace_put (w);
    buf += p.n;
    offset += p.n;
    count -= p.n;
  }
  latency_add (d->latencies, ZRAM_OP_READ, start);
  stats_add (&d->stats, STAT_READS, 1);
  stats_add (&d->stats, r < 0 ? STAT_FAILED_READS : STAT_READ_BYTES,
             r < 0 ? 1 : total);
  return r;
}

/* Clearing. */

static int
disk_clear_piece (struct zram_disk *d, const struct piece *p,
                  enum content_type empty)
{
  struct workspace *w;
  int r;

  if (p->n == 0)
    return 0;
  w = workspace_get (&d->workspaces);
  r = disk_write_part (d, w, p, NULL, empty);
  workspace_put (w);
  return r;
}

/* The last page of a disk that ends within it is cleared whole, if the
 * disk still ends there: what lies beyond may be another's by now.
 */
static int
disk_clear_last (struct zram_disk *d, const struct piece *p,
                 enum content_type empty)
{
  uint64_t end = (p->slot << d->layout.page_shift) + p->n;
  struct shard *s = slot_shard (d, p->slot);
  uint64_t slot = slot_local (d, p->slot);
  struct turn turn;
  bool last;
  int r = 0;

  shard_lock (s);
  turn_respect (&s->claims, &turn, slot, &s->lock);
  last = end == disk_size (d);
  if (last)
    r = shard_clear_slot (s, slot, empty);
  turn_end (&s->claims, &turn);
  shard_unlock (s);
  return last ? r : disk_clear_piece (d, p, empty);
}

/* The ragged ends are merged with zeroes; the whole pages between are
 * cleared shard by shard.
 */
static int
disk_try_clear (struct zram_disk *d, uint64_t count, uint64_t offset,
                enum content_type empty)
{
  uint64_t end = offset + count, mask = d->layout.page - 1, first, last;
  struct piece head = { 0 }, tail = { 0 };
  unsigned i;
  int r;

  if (count == 0)
    return 0;
  first = (offset + mask) >> d->layout.page_shift;
  last = end >> d->layout.page_shift;
  if (offset & mask)
    head = disk_first_piece (d, end - offset, offset);
  if (end & mask && last >= first)
    tail = (struct piece) { last, 0, (uint32_t) (end & mask) };

  r = disk_clear_piece (d, &head, empty);
  if (r == 0 && tail.n)
    r = end == disk_size (d) ? disk_clear_last (d, &tail, empty)
      : disk_clear_piece (d, &tail, empty);
  for (i = 0; i < shard_count (d) && first < last && r == 0; ++i)
    r = shard_clear (&d->shards[i], slots_below (d, i, first),
                     slots_below (d, i, last), empty);
  return r;
}

/* Clear a range, and count the request. */
static int
disk_clear (struct zram_disk *d, uint64_t count, uint64_t offset,
            enum content_type empty, enum zram_op op, enum stat stat)
{
  uint64_t tries = 0, start = latency_now ();
  int r;

  if (!disk_has (d, count, offset))
    return -EINVAL;
  do
    r = disk_try_clear (d, count, offset, empty);
  while (disk_make_room (d, r, &tries));
  latency_add (d->latencies, op, start);
  stats_add (&d->stats, stat, 1);
  if (r < 0)
    stats_add (&d->stats, STAT_FAILED_WRITES, 1);
  return r;
}

int
zram_zero (struct zram_disk *d, uint64_t count, uint64_t offset)
{
  return disk_clear (d, count, offset, CONTENT_ZERO, ZRAM_OP_ZERO,
                     STAT_ZEROES);
}

int
zram_trim (struct zram_disk *d, uint64_t count, uint64_t offset)
{
  return disk_clear (d, count, offset, CONTENT_HOLE, ZRAM_OP_TRIM,
                     STAT_TRIMS);
}
