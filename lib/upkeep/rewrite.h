/* nbdkit-zram: a stored page written anew, in another form.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This is how upkeep changes what a page is stored as: recompressed, or
 * compressed at all.  What the page holds stays, so it is no access; and a
 * write that comes meanwhile wins.
 */

#ifndef ZRAM_REWRITE_H
#define ZRAM_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "coding.h"
#include "parts.h"
#include "shard.h"

/* A job that rewrites pages, one at a time. */
struct rewriter {
  const struct parts *parts;
  struct encoder encoder;
  char *page;                   /* what is rewritten */
  uint32_t gain;                /* bytes that a page must shrink by, at least;
                                   1 or more */
  uint32_t below;               /* bytes that it must come to be less than;
                                   0: any */
  bool any_size;                /* it may even grow: its coding is to go */
  bool gives_up;                /* a page that does not shrink is marked
                                   incompressible */
  bool wakes;                   /* a page that is tried is not idle any more */
  unsigned marks;               /* put on a page that was tried: bits by enum
                                   mark */
  bool urgent;                  /* somebody waits: compress at the thread's own
                                   priority and not at the lowest */
};

/* Make one that writes with a coding, of which gain is 1 and the rest 0.
 * -ENOMEM, -ENOSPC at the limit, -EBUSY: too many codings.
 */
extern int rewriter_open (struct rewriter *r, const struct parts *parts,
                          const struct coding_kind *kind);
extern void rewriter_close (struct rewriter *r);

enum rewritten {
  REWRITE_DONE = 1,             /* it is smaller now */
  REWRITE_NO_GAIN,              /* it would not be: it stays as it was */
  REWRITE_LEFT,                 /* it was not wanted, or changed meanwhile */
};

/* Is this page to be rewritten?  Called under the shard's lock. */
typedef bool rewrite_want_fn (void *opaque, const struct zram_slot *about);

/* Rewrite a page that is stored as an object or raw, and wanted.  Takes the
 * shard's lock for two moments; the work between them is of the lowest
 * priority unless urgent.  An enum rewritten, with the bytes gained in
 * *gained; -EIO: the page is damaged; -ENOSPC or -ENOMEM: there is no room to
 * put the new one beside the old.  In all of these the page holds what it
 * held.
 */
extern int rewrite_page (struct rewriter *r, struct shard *s, uint64_t slot,
                         rewrite_want_fn *want, void *opaque,
                         uint32_t *gained);

#endif /* ZRAM_REWRITE_H */
