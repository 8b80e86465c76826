/* nbdkit-zram: recompression: many stored pages written anew.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A run looks at all pages of a disk, makes a list of those that its job
 * wants, and rewrites them with one coding, the largest first, so that a run
 * that ends early has gained the most.  Runs of one disk wait for one
 * another.  Requests wait for a run no longer than for one another; neither
 * do statistics.
 */

#ifndef ZRAM_RECOMPRESS_H
#define ZRAM_RECOMPRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "coding.h"
#include "parts.h"
#include "rewrite.h"

/* What the runs of a disk share. */
struct recompressor {
  const struct parts *parts;
  pthread_mutex_t run;          /* held by the run that goes on */
  _Atomic unsigned waiting;     /* others, for it */
  _Atomic bool closed;          /* runs end, and none begins */

  /* Pages, and bytes gained, since the disk was made or reset. */
  _Atomic uint64_t tried, done, gained;

  /* Of the run that goes on; 0 if there is none: pages that it is to try, as
   * far as it knows, and how many of them it is done with.
   */
  _Atomic uint64_t found, handled;
};

struct recompress_job {
  struct coding_kind kind;      /* what to write with */

  /* Is this page to be rewritten?  Called under the shard's lock, when the
   * list is made, and again when it is the page's turn.  Never asked for
   * holes, same-filled and late pages.  NULL: all are.
   */
  rewrite_want_fn *want;
  /* Called without locks before each page, and now and then between: may
   * sleep.  False: the run ends.  NULL: it goes on.
   */
  bool (*proceed) (void *opaque);
  void *opaque;                 /* for both */

  uint64_t max_pages;           /* to try; 0: all */
  uint32_t gain, below;         /* these are as in struct rewriter; 0 gain */
  bool gives_up, wakes, urgent; /* means 1 */
  bool skips;                   /* a page that there is no room for stays as it
                                   is, and the run goes on */
  bool yields;                  /* the run ends when another waits for it */

  /* What was done; bytes: that the pages done were stored in before. */
  uint64_t tried, done, bytes, gained;
  bool ended;                   /* early, by proceed or yields, or because
                                   the disk is about to be closed */
};

extern void recompressor_init (struct recompressor *r,
                               const struct parts *parts);
extern void recompressor_destroy (struct recompressor *r);

/* Let what happened start again from nothing. */
extern void recompressor_forget (struct recompressor *r);

/* Run a job, after those that run or wait already.  -EIO: a page is damaged;
 * -ENOMEM, or -ENOSPC at the limit; -EBUSY: there are too many codings.  The
 * first page that fails ends the run, unless it is skipped, and what was done
 * before it stays.
 */
extern int recompress_run (struct recompressor *r,
                           struct recompress_job *job);

/* For `want': the priority of what a page is written with; 0 if it is raw. */
static inline unsigned
recompress_priority (const struct parts *p, const struct zram_slot *about)
{
  return about->coding < CODINGS_MAX
    ? p->codings->coding[about->coding].priority : 0;
}

#endif /* ZRAM_RECOMPRESS_H */
