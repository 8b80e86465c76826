/* nbdkit-zram: the data path: write.
 * SPDX-License-Identifier: BSD-3-Clause
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

static int
disk_write_whole (struct zram_disk *d, struct workspace *w,
                  const struct piece *p, const void *page)
{
  struct shard *s = slot_shard (d, p->slot);
  uint64_t slot = slot_local (d, p->slot);
  struct content c;

  shard_prefetch (s, slot);
  page_encode (&d->layout, &w->encoder, page, CONTENT_ZERO, &c);
  return disk_publish (s, slot, &c, NULL, false);
}

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
    struct workspace *w = workspace_get (&d->workspaces);

    r = p.n == d->layout.page ? disk_write_whole (d, w, &p, buf)
      : disk_write_part (d, w, &p, buf, CONTENT_ZERO);
    workspace_put (w);
    buf += p.n;
    offset += p.n;
    count -= p.n;
  }
  latency_add (d->latencies, ZRAM_OP_WRITE, start);
  stats_add (&d->stats, STAT_WRITES, 1);
  stats_add (&d->stats, r < 0 ? STAT_FAILED_WRITES : STAT_WRITE_BYTES,
             r < 0 ? 1 : total);
  return r;
}
