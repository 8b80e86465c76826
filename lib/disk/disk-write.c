/* nbdkit-zram: the data path: write.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole pages are encoded one after another, and published together, up to
 * sixteen under one holding of the lock.  They are of one leaf of the table,
 * and so of one shard.
 *
 * A write of part of a page claims it, reads, merges, and publishes only
 * if the claim is unbroken; else it merges again, so that two partial
 * writes to one page both survive.  claim.h says why it is not overtaken
 * for ever.
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "disk.h"
#include "page-code.h"

/* A partial write whose claim was broken this often takes a turn. */
#define MERGE_TRIES 4

/* A request that fails for want of memory lets some late pages be compressed,
 * and tries again, until that is of no use.  That has an end: where memory
 * is short no more pages are late.
 */
#define ROOM_PAGES 256

/* A claim is over. */
static void
disk_give_up (struct shard *s, struct claim *claim)
{
  shard_lock (s);
  claim_drop (&s->claims, claim);
  shard_unlock (s);
}

/* Pages that are compressed later. */

/* Is that to be tried?  Where it pays; and where a processor has nothing to
 * do but that, because clients are served one request at a time.
 */
static bool
disk_may_be_late (const struct zram_disk *d, const struct shard *s)
{
  const struct late *l = &s->late;

  if (l->max == 0)
    return false;
  return atomic_load_explicit (&l->pays, memory_order_relaxed) ||
    (d->leave_one && counter_get (&s->n.late) < l->max &&
     atomic_load_explicit (&d->crowded, memory_order_relaxed) == 0);
}

/* Is this page to be late?  Not if it is same-filled: that is as quick. */
static bool
disk_make_late (const struct zram_disk *d, struct encoder *e,
                const void *page, enum content_type empty, struct content *c)
{
  if (page_encode_same (&d->layout, e, page, empty, c))
    return false;
  *c = (struct content) { .type = CONTENT_RAW, .page = page, .late = true };
  return true;
}

static void
disk_tell_late (struct zram_disk *d, const struct shard *s)
{
  if (s->late.max && late_is_half_full (s))
    late_work_tell (&d->late_work);
}

static int
disk_publish_locked (struct shard *s, uint64_t slot, const struct content *c)
{
  return c->late ? shard_publish_late (s, slot, c->page)
    : shard_publish (s, slot, c);
}

/* Make a page what the content says, unless a claim on it is broken:
 * -EAGAIN; or it cannot be late: -EBUSY, and the claim goes on.  Who has no
 * turn waits for those who have.  The claim is over
 * then.  Where memory is short, compaction may make room, which is not
 * done under one holding of the lock.
 */
static int
disk_publish (struct shard *s, uint64_t slot, const struct content *c,
              struct claim *claim, bool has_turn)
{
  unsigned steps = RELIEF_STEPS;
  struct turn turn = { .queued = false };
  bool is_short;
  int r;

  do {
    shard_lock (s);
    if (!has_turn)
      turn_respect (&s->claims, &turn, slot, &s->lock);
    r = claim && claim->broken ? -EAGAIN : disk_publish_locked (s, slot, c);
    is_short = r == -ENOSPC || r == -ENOMEM;
    if (claim && !is_short && r != -EBUSY)
      claim_drop (&s->claims, claim);
    turn_end (&s->claims, &turn);
    shard_unlock (s);
  } while (is_short && shard_relieve (s, &steps));
  if (claim && is_short)
    disk_give_up (s, claim);
  return r;
}

/* Whole pages. */

/* Pages that are encoded, and not published yet. */
#define BATCH_PAGES 16
struct batch {
  struct shard *shard;
  uint64_t slot;                /* of the first, in the shard */
  unsigned n;
  bool late;                    /* pages may be compressed later */
  uint32_t bytes;               /* that the lock is held for copying */
  struct content c[BATCH_PAGES];
  uint32_t at[BATCH_PAGES];     /* where in the buffer there is room for it */
};

/* Begin with an empty batch; its contents are not touched. */
static void
batch_init (struct batch *b, struct shard *s, uint64_t slot, bool late)
{
  b->shard = s;
  b->late = late;
  b->slot = slot;
  b->n = 0;
  b->bytes = 0;
}

/* Publish pages of a batch from number *i on, under one holding of the lock,
 * unless somebody has a turn on one of them.  The error of the first that
 * fails, -EBUSY if it cannot be late: number *i then.
 */
static int
batch_publish_from (struct batch *b, unsigned *i)
{
  struct shard *s = b->shard;
  struct turn turn;
  int r = 0;

  shard_lock (s);
  while (*i < b->n && r == 0) {
    turn_respect (&s->claims, &turn, b->slot + *i, &s->lock);
    r = disk_publish_locked (s, b->slot + *i, &b->c[*i]);
    turn_end (&s->claims, &turn);
    *i += r == 0;
  }
  shard_unlock (s);
  return r;
}

/* Encode page number i of a batch, whose place in the buffer is known. */
static void
batch_encode (struct batch *b, const struct layout *l, struct workspace *w,
              unsigned i, const char *page)
{
  w->encoder.out = w->out + b->at[i];
  page_encode (l, &w->encoder, page, CONTENT_ZERO, &b->c[i]);
}

/* No more pages can be late: those that were to be are compressed at once. */
static void
batch_be_in_time (struct batch *b, const struct layout *l,
                  struct workspace *w, unsigned from)
{
  unsigned i;

  b->late = false;
  for (i = from; i < b->n; ++i)
    if (b->c[i].late)
      batch_encode (b, l, w, i, b->c[i].page);
}

/* Publish a batch; it is empty then. */
static int
batch_publish (struct batch *b, const struct layout *l, struct workspace *w)
{
  unsigned steps = RELIEF_STEPS, i = 0;
  int r;

  do {
    r = batch_publish_from (b, &i);
    if (r == -EBUSY)
      batch_be_in_time (b, l, w, i);
  } while (r == -EBUSY || ((r == -ENOSPC || r == -ENOMEM) &&
                           shard_relieve (b->shard, &steps)));
  batch_init (b, b->shard, b->slot + b->n, b->late);
  return r;
}

/* Put a page into a batch that has room for it. */
static void
batch_add (struct batch *b, const struct zram_disk *d, struct workspace *w,
           const char *page)
{
  unsigned i = b->n++;
  struct content *c = &b->c[i];

  b->at[i] = b->bytes;
  w->encoder.out = w->out + b->bytes;
  if (!b->late)
    batch_encode (b, &d->layout, w, i, page);
  else
    disk_make_late (d, &w->encoder, page, CONTENT_ZERO, c);
  b->bytes += c->type == CONTENT_RAW ? d->layout.page
    : c->type == CONTENT_OBJECT ? c->object.length : 0;
}

static bool
batch_is_full (const struct batch *b, const struct layout *l)
{
  return b->n == BATCH_PAGES ||
    b->bytes + l->object_max > workspace_out_bytes (l);
}

/* Write n pages that lie in one leaf. */
static int
disk_write_whole (struct zram_disk *d, struct workspace *w, uint64_t slot,
                  unsigned n, const char *buf)
{
  struct shard *s = slot_shard (d, slot);
  struct batch b;
  int r = 0;

  batch_init (&b, s, slot_local (d, slot), disk_may_be_late (d, s));
  shard_prefetch (s, b.slot, n);
  for (; n > 0 && r == 0; --n, buf += d->layout.page) {
    batch_add (&b, d, w, buf);
    if (n == 1 || batch_is_full (&b, &d->layout))
      r = batch_publish (&b, &d->layout, w);
  }
  w->encoder.out = w->out;
  disk_tell_late (d, s);
  return r;
}

/* How many whole pages from this one on to write at once: as many as are
 * left of the request and of the leaf, but no more than a batch, so that a
 * workspace is not kept for long.
 */
static unsigned
disk_whole_pages (const struct zram_disk *d, uint64_t slot, uint64_t count)
{
  uint64_t n = NODE_ENTRIES - slot % NODE_ENTRIES;

  if (n > count >> d->layout.page_shift)
    n = count >> d->layout.page_shift;
  return n < BATCH_PAGES ? (unsigned) n : BATCH_PAGES;
}

/* Parts of pages. */

/* Would zeroes in a part of such a page change nothing?  A part of
 * allocated zeroes cannot become a hole.
 */
static bool
disk_clears_nothing (enum content_type type, enum content_type empty)
{
  return type == CONTENT_ZERO ||
    (type == CONTENT_HOLE && empty == CONTENT_HOLE);
}

/* Decode what was fetched, put buf, or zeroes if it is NULL, into it, and
 * encode that, unless it is to be late.
 */
static int
disk_merge (struct zram_disk *d, struct workspace *w, const struct piece *p,
            const void *buf, enum content_type empty, struct fetch *f)
{
  int r = disk_decode (d, w, &f->content, w->page);

  if (r < 0)
    return r;
  if (buf)
    memcpy (w->page + p->from, buf, p->n);
  else
    memset (w->page + p->from, 0, p->n);
  if (!disk_may_be_late (d, slot_shard (d, p->slot)))
    page_encode (&d->layout, &w->encoder, w->page, empty, &f->content);
  else
    disk_make_late (d, &w->encoder, w->page, empty, &f->content);
  return 0;
}

/* One try to write buf, or zeroes if it is NULL, to a part of a page.
 * -EAGAIN: another write came between.
 */
static int
disk_try_merge (struct zram_disk *d, struct workspace *w,
                const struct piece *p,
                const void *buf, enum content_type empty, bool has_turn)
{
  struct shard *s = slot_shard (d, p->slot);
  uint64_t slot = slot_local (d, p->slot);
  struct fetch f = { .buf = w->in, .raw = w->page, .n = d->layout.page };
  struct claim claim;
  int r;

  r = disk_fetch (d, s, slot, &f, &claim);
  if (r < 0)
    return r;
  if (!buf && disk_clears_nothing (f.content.type, empty)) {
    disk_give_up (s, &claim);
    return 0;
  }
  r = disk_merge (d, w, p, buf, empty, &f);
  if (r < 0) {
    disk_give_up (s, &claim);
    return r;
  }
  r = disk_publish (s, slot, &f.content, &claim, has_turn);
  if (r == -EBUSY) {
    page_encode (&d->layout, &w->encoder, w->page, empty, &f.content);
    r = disk_publish (s, slot, &f.content, &claim, has_turn);
  }
  disk_tell_late (d, s);
  return r;
}

int
disk_write_part (struct zram_disk *d, struct workspace *w,
                 const struct piece *p, const void *buf,
                 enum content_type empty)
{
  struct shard *s = slot_shard (d, p->slot);
  struct turn turn = { .queued = false };
  unsigned tries = 0;
  int r;

  for (;;) {
    r = disk_try_merge (d, w, p, buf, empty, turn.queued);
    if (r != -EAGAIN)
      break;
    stats_add (&d->stats, STAT_MERGES_RETRIED, 1);
    if (++tries == MERGE_TRIES) {
      shard_lock (s);
      turn_take (&s->claims, &turn, slot_local (d, p->slot), &s->lock);
      shard_unlock (s);
    }
  }
  if (turn.queued) {
    shard_lock (s);
    turn_end (&s->claims, &turn);
    shard_unlock (s);
  }
  return r;
}

bool
disk_make_room (struct zram_disk *d, int r, uint64_t *tries)
{
  uint64_t most = (d->late >> d->layout.page_shift) / ROOM_PAGES + 4;

  return (r == -ENOSPC || r == -ENOMEM) && d->late && (*tries)++ < most &&
    late_work_flush (&d->parts, ROOM_PAGES);
}

/* Write the first pages of a request, or its first part of a page.  How many
 * bytes that was in *n.
 */
static int
disk_write_some (struct zram_disk *d, const char *buf, uint64_t count,
                 uint64_t offset, uint64_t *n)
{
  struct piece p = disk_first_piece (d, count, offset);
  struct workspace *w = workspace_get (&d->workspaces);
  unsigned pages;
  int r;

  *n = p.n;
  if (p.n == d->layout.page) {
    pages = disk_whole_pages (d, p.slot, count);
    *n = (uint64_t) pages << d->layout.page_shift;
    r = disk_write_whole (d, w, p.slot, pages, buf);
  }
  else
    r = disk_write_part (d, w, &p, buf, CONTENT_ZERO);
  workspace_put (w);
  return r;
}

static int
disk_write (struct zram_disk *d, const char *buf, uint64_t count,
            uint64_t offset)
{
  uint64_t tries = 0, n;
  int r = 0;

  for (; count > 0 && r == 0; buf += n, offset += n, count -= n)
    do
      r = disk_write_some (d, buf, count, offset, &n);
    while (disk_make_room (d, r, &tries));
  return r;
}

/* Several connections that write keep all processors busy, though now and
 * then only one is at it: so that is remembered for some requests.
 */
#define CROWD_LASTS 256

static void
disk_count_writer (struct zram_disk *d)
{
  unsigned crowded;

  if (d->leave_one == 0)
    return;
  crowded = atomic_load_explicit (&d->crowded, memory_order_relaxed);
  if (atomic_fetch_add (&d->writing, 1) >= d->leave_one) {
    if (crowded < CROWD_LASTS / 2)
      d->crowded = CROWD_LASTS;
  }
  else if (crowded)
    d->crowded = crowded - 1;
}

int
zram_pwrite (struct zram_disk *d, const void *buf, uint64_t count,
             uint64_t offset)
{
  uint64_t start = latency_now ();
  int r;

  if (!disk_has (d, count, offset))
    return -EINVAL;
  disk_count_writer (d);
  r = disk_write (d, buf, count, offset);
  if (d->leave_one)
    d->writing--;
  latency_add (d->latencies, ZRAM_OP_WRITE, start);
  stats_add (&d->stats, STAT_WRITES, 1);
  stats_add (&d->stats, r < 0 ? STAT_FAILED_WRITES : STAT_WRITE_BYTES,
             r < 0 ? 1 : count);
  return r;
}
