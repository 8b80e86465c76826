/* nbdkit-zram: recompression: many stored pages written anew.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "os.h"
#include "recompress.h"

/* Pages are in lists by size, each for so many bytes of a page of 4 KiB. */
#define LIST_BYTES 64
#define LISTS (ZRAM_PAGE_MIN / LIST_BYTES + 1)

/* So many pages are on the lists at once: 8 MiB of lists for 4 GiB of pages
 * of 4 KiB.  Where there are more, or memory is short, a run goes through the
 * disk in pieces, and the largest are the first of each.
 */
#define LISTED_MAX (1u << 20)
#define LISTED_MIN (1u << 10)

/* Looks at a shard, of a slot or a run of empty ones, between two times that
 * the job is asked whether to go on.
 */
#define LOOKS 256

struct listed {
  uint32_t page;                /* number in its shard, times the number of
                                   shards, plus which shard */
  uint32_t next;                /* of the list: index + 1; 0: none */
};

_Static_assert (ZRAM_SIZE_MAX / ZRAM_PAGE_MIN <= UINT64_C (1) << 32,
                "the number of a page fits in 32 bits");

struct run {
  struct recompressor *recompressor;
  struct recompress_job *job;
  struct rewriter rewriter;
  uint32_t first[LISTS];
  struct listed *listed;
  uint32_t max, used;
  unsigned shard;               /* where to look on */
  uint64_t slot;
  uint32_t bytes;               /* of the page looked at; 0: it is not wanted */
};

void
recompressor_init (struct recompressor *r, const struct parts *parts)
{
  r->parts = parts;
  pthread_mutex_init (&r->run, NULL);
}

void
recompressor_destroy (struct recompressor *r)
{
  pthread_mutex_destroy (&r->run);
}

void
recompressor_forget (struct recompressor *r)
{
  r->tried = r->done = r->gained = 0;
}

static bool
recompress_goes_on (struct run *run)
{
  struct recompress_job *job = run->job;

  if (job->max_pages && job->tried >= job->max_pages)
    return false;
  if (run->recompressor->closed ||
      (job->yields && run->recompressor->waiting) ||
      (job->proceed && !job->proceed (job->opaque)))
    job->ended = true;
  return !job->ended;
}

/* Looking. */

/* A late page is compressed soon, or written again. */
static bool
recompress_wants (const struct recompress_job *job,
                  const struct zram_slot *about)
{
  return about->bytes && !(about->flags & ZRAM_SLOT_LATE) &&
    (!job->want || job->want (job->opaque, about));
}

/* Note what a page is, if it is wanted.  The lists are not touched under the
 * shard's lock, for they may have to wait for memory.
 */
static int
recompress_note (void *opaque, struct shard *s, uint64_t slot,
                 const struct zram_slot *about)
{
  struct run *run = opaque;
  const struct recompress_job *job = run->job;

  (void) s;
  (void) slot;
  if (recompress_wants (job, about))
    run->bytes = about->bytes;
  return 0;
}

/* Put the page that was looked at on its list. */
static void
recompress_list (struct run *run)
{
  const struct parts *p = run->recompressor->parts;
  uint32_t list = run->bytes * (LISTS - 1) / p->layout->page;

  run->listed[run->used++] = (struct listed) {
    .page = (uint32_t) run->slot * p->nshards + run->shard,
    .next = run->first[list],
  };
  run->first[list] = run->used;
}

/* Look at a slot, or pass over some. */
static void
recompress_step (struct run *run)
{
  const struct parts *p = run->recompressor->parts;
  uint64_t n;
  int r;

  run->bytes = 0;
  n = shard_walk (&p->shards[run->shard], run->slot, UINT64_MAX, false,
                  recompress_note, run, &r);
  if (run->bytes)
    recompress_list (run);
  run->slot += n;
  if (run->slot == UINT64_MAX) {
    run->shard++;
    run->slot = 0;
  }
}

/* Look on from where the last look ended, until the lists are full, or all
 * has been seen.  Is there anything to do?
 */
static bool
recompress_look (struct run *run)
{
  unsigned i, looks = 0;

  run->used = 0;
  for (i = 0; i < LISTS; ++i)
    run->first[i] = 0;
  while (run->shard < run->recompressor->parts->nshards &&
         run->used < run->max) {
    if (looks++ % LOOKS == 0 && !recompress_goes_on (run))
      return false;
    recompress_step (run);
  }
  run->recompressor->found += run->used;
  return run->used > 0;
}

/* Rewriting. */

static void
recompress_count (struct run *run, int done, uint32_t bytes, uint32_t gained)
{
  struct recompressor *r = run->recompressor;
  struct recompress_job *job = run->job;

  r->handled++;
  if (done == REWRITE_LEFT)
    return;
  r->tried++;
  job->tried++;
  if (done != REWRITE_DONE)
    return;
  r->done++;
  r->gained += gained;
  job->done++;
  job->bytes += bytes;
  job->gained += gained;
}

/* What a page was stored in is known when it is its turn. */
struct asking {
  const struct recompress_job *job;
  uint32_t bytes;
};

static bool
recompress_want (void *opaque, const struct zram_slot *about)
{
  struct asking *a = opaque;

  a->bytes = about->bytes;
  return recompress_wants (a->job, about);
}

/* Where there is no room for the new beside the old, it is made once. */
static int
recompress_page (struct run *run, uint32_t page)
{
  const struct parts *p = run->recompressor->parts;
  struct shard *s = &p->shards[page % p->nshards];
  struct asking asking = { .job = run->job };
  unsigned steps = RELIEF_STEPS;
  uint32_t gained;
  int r;

  r = rewrite_page (&run->rewriter, s, page / p->nshards, recompress_want,
                    &asking, &gained);
  if ((r == -ENOSPC || r == -ENOMEM) && shard_relieve (s, &steps))
    r = rewrite_page (&run->rewriter, s, page / p->nshards, recompress_want,
                      &asking, &gained);
  recompress_count (run, r, asking.bytes, gained);
  return r >= 0 || (run->job->skips && r != -EIO) ? 0 : r;
}

static int
recompress_lists (struct run *run)
{
  unsigned list = LISTS;
  uint32_t i;
  int r = 0;

  while (list-- > 0 && r == 0)
    for (i = run->first[list]; i && r == 0; i = run->listed[i - 1].next) {
      if (!recompress_goes_on (run))
        return 0;
      r = recompress_page (run, run->listed[i - 1].page);
    }
  return r;
}

/* The run. */

/* Pages that may be on the lists, or a few more. */
static uint32_t
recompress_listed_wanted (const struct parts *p)
{
  uint64_t n = LISTED_MIN;
  unsigned i;

  for (i = 0; i < p->nshards; ++i) {
    const struct shard_counters *c = &p->shards[i].n;
    uint64_t stored = counter_get (&c->stored), zero = counter_get (&c->zero);

    if (stored > zero)
      n += stored - zero;
  }
  return n < LISTED_MAX ? (uint32_t) n : LISTED_MAX;
}

/* Make room for lists, and charge it. */
static int
recompress_make_lists (struct run *run)
{
  const struct parts *p = run->recompressor->parts;
  int r = -ENOSPC;

  run->max = recompress_listed_wanted (p);
  for (; run->max >= LISTED_MIN; run->max /= 2) {
    r = job_charge (p, run->max * sizeof *run->listed);
    if (r < 0)
      continue;
    run->listed = os_alloc (run->max * sizeof *run->listed);
    if (run->listed)
      return 0;
    job_credit (p, run->max * sizeof *run->listed);
    r = -ENOMEM;
  }
  return r;
}

static void
recompress_free_lists (struct run *run)
{
  os_free (run->listed, run->max * sizeof *run->listed);
  job_credit (run->recompressor->parts, run->max * sizeof *run->listed);
}

/* Make what the run works with; workspaces that nobody uses now give way. */
static int
recompress_open (struct run *run)
{
  const struct parts *p = run->recompressor->parts;
  const struct recompress_job *job = run->job;
  int r;

  r = rewriter_open (&run->rewriter, p, &job->kind);
  if (r == -ENOSPC) {
    workspaces_drain (p->workspaces);
    r = rewriter_open (&run->rewriter, p, &job->kind);
  }
  if (r < 0)
    return r;
  run->rewriter.gain = job->gain ? job->gain : 1;
  run->rewriter.below = job->below;
  run->rewriter.gives_up = job->gives_up;
  run->rewriter.wakes = job->wakes;
  run->rewriter.urgent = job->urgent;
  r = recompress_make_lists (run);
  if (r < 0)
    rewriter_close (&run->rewriter);
  return r;
}

static int
recompress_work (struct run *run)
{
  int r = recompress_open (run);

  if (r < 0)
    return r;
  while (r == 0 && recompress_look (run))
    r = recompress_lists (run);
  recompress_free_lists (run);
  rewriter_close (&run->rewriter);
  return r;
}

int
recompress_run (struct recompressor *r, struct recompress_job *job)
{
  struct run run = { .recompressor = r, .job = job };
  int error;

  job->tried = job->done = job->bytes = job->gained = 0;
  job->ended = false;
  r->waiting++;
  pthread_mutex_lock (&r->run);
  r->waiting--;
  error = recompress_work (&run);
  r->found = r->handled = 0;
  pthread_mutex_unlock (&r->run);
  return error;
}
