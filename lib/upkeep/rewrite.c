/* nbdkit-zram: a stored page written anew, in another form.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "os.h"
#include "page-code.h"
#include "rewrite.h"

int
rewriter_open (struct rewriter *r, const struct parts *p,
               const struct coding_kind *kind)
{
  int error;

  *r = (struct rewriter) { .parts = p, .gain = 1 };
  error = job_charge (p, p->layout->page);
  if (error < 0)
    return error;
  r->page = os_alloc (p->layout->page);
  error = r->page ? encoder_open (p, kind, &r->encoder) : -ENOMEM;
  if (error < 0) {
    os_free (r->page, p->layout->page);
    job_credit (p, p->layout->page);
  }
  else
    os_populate (r->page, p->layout->page);     /* not under a lock */
  return error;
}

void
rewriter_close (struct rewriter *r)
{
  const struct parts *p = r->parts;

  encoder_close (p, &r->encoder);
  os_free (r->page, p->layout->page);
  job_credit (p, p->layout->page);
}

/* A page on its way. */
struct rewrite {
  struct shard *shard;
  uint64_t slot;
  struct claim claim;
  uint32_t bytes, gained;       /* that it is stored in; saved */
  struct content content;       /* as it is, then as it is to be */
};

/* Look at the page and, if it is wanted, claim it and copy it out.  0,
 * REWRITE_LEFT or -EIO.
 */
static int
rewrite_claim (struct rewriter *r, struct rewrite *w, struct workspace *ws,
               rewrite_want_fn *want, void *opaque)
{
  struct fetch f = {
    .buf = ws->in, .raw = r->page, .n = r->parts->layout->page,
  };
  struct shard *s = w->shard;
  struct zram_slot about;
  int error;

  if (w->slot >= s->nslots || !shard_describe (s, w->slot, &about) ||
      about.bytes == 0 || !want (opaque, &about))
    return REWRITE_LEFT;
  error = shard_peek (s, w->slot, &f);
  if (error < 0)
    return error;
  claim_take (&s->claims, &w->claim, w->slot);
  w->bytes = about.bytes;
  w->content = f.content;
  return 0;
}

/* Under the lock: say of a page that it was tried. */
static void
rewrite_mark (const struct rewriter *r, struct rewrite *w)
{
  unsigned mark;

  for (mark = 0; mark < MARKS; ++mark)
    if (r->marks & 1u << mark)
      shard_mark (w->shard, w->slot, (enum mark) mark, true);
}

/* The same, and decode it into the rewriter's page.  The workspace is
 * another's again when this returns.
 */
static int
rewrite_read (struct rewriter *r, struct rewrite *w, rewrite_want_fn *want,
              void *opaque)
{
  const struct parts *p = r->parts;
  struct workspace *ws = workspace_get (p->workspaces);
  int error;

  shard_lock (w->shard);
  error = rewrite_claim (r, w, ws, want, opaque);
  shard_unlock (w->shard);
  if (error == 0) {
    error = page_decode (p->layout, p->codings, ws, &w->content, r->page);
    if (error < 0) {
      shard_lock (w->shard);
      if (claim_drop (&w->shard->claims, &w->claim))
        rewrite_mark (r, w);
      shard_unlock (w->shard);
    }
  }
  workspace_put (ws);
  return error;
}

/* How many bytes the page may come to; 0: none would do. */
static uint32_t
rewrite_max (const struct rewriter *r, const struct rewrite *w)
{
  uint32_t max = w->bytes > r->gain ? w->bytes - r->gain : 0;

  if (r->below && max >= r->below)
    max = r->below - 1;
  if (r->any_size || max > r->parts->layout->object_max)
    max = r->parts->layout->object_max;
  return max;
}

/* Compress the page.  Is it small enough? */
static bool
rewrite_encode (struct rewriter *r, struct rewrite *w)
{
  uint32_t max = rewrite_max (r, w);
  struct encoder *e = &r->encoder;
  int n;

  if (max == 0)
    return false;
  if (!r->urgent)
    os_background (true);
  n = encoder_compress (e, r->page, r->parts->layout->page, max);
  if (!r->urgent)
    os_background (false);
  w->content = (struct content) {
    .type = CONTENT_OBJECT, .page = r->page,
    .object = { e->out, (uint32_t) n, KIND_OBJECT, e->coding },
  };
  if (n <= 0 && r->any_size)
    w->content.type = CONTENT_RAW;
  return n > 0 || r->any_size;
}

/* Put the smaller form in.  Where there is no room for an object beside a
 * raw page, that may have been written again as it was.
 */
static int
rewrite_put (struct rewriter *r, struct rewrite *w)
{
  struct zram_slot about;
  int error = shard_swap (w->shard, w->slot, &w->content);

  if (error < 0)
    return error;
  if (!shard_describe (w->shard, w->slot, &about))
    return -EIO;
  if (about.bytes < w->bytes)
    w->gained = w->bytes - about.bytes;
  else if (!r->any_size)
    return -ENOSPC;
  return REWRITE_DONE;
}

/* Under the lock, with the claim unbroken: put the new form in. */
static int
rewrite_swap (struct rewriter *r, struct rewrite *w, bool smaller)
{
  struct shard *s = w->shard;
  int error = 0;

  if (r->wakes)
    shard_mark (s, w->slot, MARK_IDLE, false);
  if (smaller)
    error = rewrite_put (r, w);
  if (error < 0)
    return error;
  rewrite_mark (r, w);
  if (smaller)
    return REWRITE_DONE;
  if (r->gives_up)
    shard_mark (s, w->slot, MARK_INCOMPRESSIBLE, true);
  return REWRITE_NO_GAIN;
}

int
rewrite_page (struct rewriter *r, struct shard *s, uint64_t slot,
              rewrite_want_fn *want, void *opaque, uint32_t *gained)
{
  struct rewrite w = { .shard = s, .slot = slot };
  bool smaller;
  int error;

  *gained = 0;
  error = rewrite_read (r, &w, want, opaque);
  if (error != 0)
    return error;
  smaller = rewrite_encode (r, &w);
  shard_lock (s);
  error = claim_drop (&s->claims, &w.claim) ? rewrite_swap (r, &w, smaller)
    : REWRITE_LEFT;
  shard_unlock (s);
  shard_give_way (s);
  *gained = w.gained;
  return error;
}
