/* nbdkit-zram: dictionaries trained on the pages of a disk.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "dictionary-train.h"
#include "os.h"

/* So many bytes of pages, by how much memory there is to be held.  A quarter
 * of them does nearly as well.
 */
static const size_t sample_bytes[] = {
  (size_t) 4 << 20, (size_t) 4 << 20, (size_t) 1 << 20
};
_Static_assert (sizeof sample_bytes / sizeof sample_bytes[0] ==
                TRAINING_THRIFT_MAX + 1, "one for each");

/* Fewer pages than a share of those teach too little. */
#define PAGES_SHARE 8

/* Of the memory that the limit leaves, what a job may hold for a moment. */
#define LIMIT_SHARE 2

struct work {
  const struct codec *codec;
  struct training training;
  char *pages;
  char *out;                    /* the dictionary */
  size_t pages_bytes;
  uint64_t bytes;               /* charged */
  int r;                        /* what training says */
};

static bool
train_limit_allows (const struct account *a, uint64_t bytes)
{
  uint64_t limit = atomic_load (&a->limit), held = atomic_load (&a->held);

  return !limit || (held < limit && bytes <= (limit - held) / LIMIT_SHARE);
}

/* Charge as much as there is room for, the best first. */
static int
train_charge (const struct parts *p, struct work *w)
{
  unsigned thrift;
  int r = -ENOSPC;

  for (thrift = 0; thrift <= TRAINING_THRIFT_MAX && r < 0; ++thrift) {
    w->pages_bytes = sample_bytes[thrift];
    w->training.thrift = thrift;
    w->training.npages = (unsigned) (w->pages_bytes / p->layout->page);
    w->bytes = w->pages_bytes + TRAINING_DICTIONARY * 2 +
      w->codec->train_bytes (&w->training);
    if (train_limit_allows (p->account, w->bytes))
      r = job_charge (p, w->bytes);
  }
  return r;
}

/* Without any lock, in a thread that only gets what time is left over. */
static void
train_work (void *opaque)
{
  struct work *w = opaque;

  w->r = w->codec->train (&w->training, w->out, TRAINING_DICTIONARY);
}

static int
train_collect (struct sample *s, struct work *w)
{
  unsigned want = w->training.npages;

  w->training.pages = w->pages;
  w->training.npages = sample_random (s, w->pages, want);
  return w->training.npages < want / PAGES_SHARE ? -ENODATA : 0;
}

static int
train (struct sample *s, struct idle *idle, struct work *w,
       struct dictionary **dictionary)
{
  int r;

  w->pages = os_alloc (w->pages_bytes);
  w->out = os_alloc (TRAINING_DICTIONARY);
  r = w->pages && w->out ? train_collect (s, w) : -ENOMEM;
  if (r < 0)
    return r;
  os_loosen_heap ();
  idle_run (idle, train_work, w);
  os_trim_heap ();
  if (w->r <= 0)
    return w->r < 0 ? w->r : -ENODATA;
  *dictionary = dictionary_new (w->out, (size_t) w->r);
  return *dictionary ? 0 : -ENOMEM;
}

int
dictionary_train (const struct parts *p, struct idle *idle,
                  const struct coding_kind *kind, sample_wanted_fn *wanted,
                  uint64_t seed, struct dictionary **dictionary)
{
  struct sample sample = {
    .parts = p, .part = SAMPLE_LEARN, .wanted = wanted, .rng = seed | 1,
  };
  struct work w = {
    .codec = codec_get (kind->id),
    .training = { .level = kind->level, .page_size = p->layout->page },
  };
  int r = os_heap_is_kept () ? -EPERM : train_charge (p, &w);

  *dictionary = NULL;
  if (r < 0)
    return r;
  r = train (&sample, idle, &w, dictionary);
  os_free (w.pages, w.pages_bytes);
  os_free (w.out, TRAINING_DICTIONARY);
  job_credit (p, w.bytes);
  return r;
}
