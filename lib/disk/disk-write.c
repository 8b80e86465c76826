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

/* A claim is over. */
static void
disk_give_up (struct shard *s, struct claim *claim)
{
  shard_lock (s);
  claim_drop (&s->claims, claim);
  shard_unlock (s);
}

/* Make a page what the content says, unless a claim on it is broken:
 * -EAGAIN.  Who has no turn waits for those who have.  The claim is over
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
    r = claim && claim->broken ? -EAGAIN : shard_publish (s, slot, c);
    is_short = r == -ENOSPC || r == -ENOMEM;
    if (claim && !is_short)
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
  uint32_t bytes;               /* that the lock is held for copying */
  struct content c[BATCH_PAGES];
};

/* Begin with an empty batch; its contents are not touched. */
static void
batch_init (struct batch *b, struct shard *s, uint64_t slot)
{
  b->shard = s;
  b->slot = slot;
  b->n = 0;
  b->bytes = 0;
}

/* Publish pages of a batch from number *i on, under one holding of the lock,
 * unless somebody has a turn on one of them.  The error of the first that
 * fails: number *i then.
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
    r = shard_publish (s, b->slot + *i, &b->c[*i]);
    turn_end (&s->claims, &turn);
    *i += r == 0;
  }
  shard_unlock (s);
  return r;
}

/* Publish a batch; it is empty then. */
static int
batch_publish (struct batch *b)
{
  unsigned steps = RELIEF_STEPS, i = 0;
  int r;

  do
    r = batch_publish_from (b, &i);
  while ((r == -ENOSPC || r == -ENOMEM) && shard_relieve (b->shard, &steps));
  batch_init (b, b->shard, b->slot + b->n);
  return r;
}

/* Encode a page into a batch that has room for it. */
static void
batch_add (struct batch *b, const struct layout *l, struct workspace *w,
           const char *page)
{
  struct content *c = &b->c[b->n++];

  w->encoder.out = w->out + b->bytes;
  page_encode (l, &w->encoder, page, CONTENT_ZERO, c);
  b->bytes += c->type == CONTENT_RAW ? l->page
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
  struct batch b;
  int r = 0;

  batch_init (&b, slot_shard (d, slot), slot_local (d, slot));
  shard_prefetch (b.shard, b.slot, n);
  for (; n > 0 && r == 0; --n, buf += d->layout.page) {
    batch_add (&b, &d->layout, w, buf);
    if (n == 1 || batch_is_full (&b, &d->layout))
      r = batch_publish (&b);
  }
  w->encoder.out = w->out;
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
 * encode that.
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
  page_encode (&d->layout, &w->encoder, w->page, empty, &f->content);
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
  return disk_publish (s, slot, &f.content, &claim, has_turn);
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

int
zram_pwrite (struct zram_disk *d, const void *vbuf, uint64_t count,
             uint64_t offset)
{
  const char *buf = vbuf;
  uint64_t total = count, start = latency_now ();
  int r = 0;

  if (!disk_has (d, count, offset))
    return -EINVAL;
  while (count > 0 && r == 0) {
    struct piece p = disk_first_piece (d, count, offset);
    unsigned pages = disk_whole_pages (d, p.slot, count);
    struct workspace *w = workspace_get (&d->workspaces);
    uint64_t n = p.n;

    if (n == d->layout.page) {
      n = (uint64_t) pages << d->layout.page_shift;
      r = disk_write_whole (d, w, p.slot, pages, buf);
    }
    else
      r = disk_write_part (d, w, &p, buf, CONTENT_ZERO);
    workspace_put (w);
    buf += n;
    offset += n;
    count -= n;
  }
  latency_add (d->latencies, ZRAM_OP_WRITE, start);
  stats_add (&d->stats, STAT_WRITES, 1);
  stats_add (&d->stats, r < 0 ? STAT_FAILED_WRITES : STAT_WRITE_BYTES,
             r < 0 ? 1 : total);
  return r;
}
