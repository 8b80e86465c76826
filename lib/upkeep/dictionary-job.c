/* nbdkit-zram: the dictionary that new objects are written with.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A step looks at the codings with `change' locked, takes what it needs to
 * know with it, and works without any lock: a training and the trials after
 * it.  Before the result is used it looks again: whoever has changed the
 * codec or emptied the disk meanwhile has made it worthless.
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "dictionary-job.h"
#include "dictionary-train.h"
#include "dictionary-trial.h"
#include "os.h"

/* How many steps it rests after it was refused memory. */
#define REST 60

/* Pages to try a dictionary on: so many, or so many bytes. */
#define TRIAL_PAGES 256u
#define TRIAL_BYTES (UINT32_C (1) << 20)
#define CHECK_PAGES 64u
#define CHECK_PAGES_MIN 16u

/* For each five thousandths of time that it costs it must save one of memory
 * more.
 */
#define TIME_PRICE 5

/* Another one is trained at the earliest when so large a share of the pages
 * has changed since the last.
 */
#define AGAIN_SHARE 4

static const char *const texts[] = {
  [SAYS_OFF] = "off",
  [SAYS_CODEC] = "none: the algorithm takes no dictionary",
  [SAYS_LITTLE] = "none yet: waits until more is stored",
  [SAYS_USED] = "in use",
  [SAYS_NO_GAIN] = "the last one trained would not have saved enough",
  [SAYS_LIMIT] = "mem-limit leaves no room to train one",
  [SAYS_MEMORY] = "there was not enough memory to train one",
  [SAYS_PAGES] = "there was nothing to be learnt from the pages stored",
  [SAYS_CODINGS] = "too many algorithms and levels are in use for another",
  [SAYS_GENERATIONS] = "the oldest dictionary is made to go first",
  [SAYS_SWAP] = "off: the server has a disk with swap=true",
  [SAYS_UNUSABLE] = "the last one trained could not be used",
};

const char *
dictionary_job_says (const struct dictionary_job *job)
{
  /* gcc 12 forgets that it is atomic where it is an index. */
  unsigned says = atomic_load (&job->says);

  return texts[says];
}

static unsigned
job_says_error (int error)
{
  switch (error) {
  case -ENOSPC: return SAYS_LIMIT;
  case -ENOMEM: return SAYS_MEMORY;
  case -EBUSY: return SAYS_CODINGS;
  case -ENODATA: return SAYS_PAGES;
  case -EPERM: return SAYS_SWAP;
  default: return SAYS_UNUSABLE;
  }
}

/* What there is. */

/* How new objects are written; its dictionary gets a user more.  False:
 * somebody changes it just now.
 */
static bool
job_look (struct dictionary_job *job, struct coding_kind *now)
{
  if (pthread_mutex_trylock (job->parts->change) != 0)
    return false;
  *now = coding_kind_now (job->parts->codings);
  dictionary_share (now->dictionary);
  pthread_mutex_unlock (job->parts->change);
  return true;
}

/* When to train. */

static void
job_train_at (struct dictionary_job *job, uint64_t stored, uint64_t changes)
{
  job->due_stored = stored;
  job->due_changes = changes;
}

/* Is this another codec, level, or disk than at the last step?  Begin anew. */
static void
job_notice (struct dictionary_job *job, const struct coding_kind *now)
{
  if (job->forgotten_seen == job->forgotten && job->id == now->id &&
      job->level == now->level)
    return;
  job->forgotten_seen = job->forgotten;
  job->id = now->id;
  job->level = now->level;
  job->rest = 0;
  job_train_at (job, DICTIONARY_STORED, 0);
}

static bool
job_is_due (const struct dictionary_job *job, const struct holdings *st)
{
  uint64_t bytes = st->objects * job->parts->layout->page;

  return bytes >= DICTIONARY_STORED &&
    (bytes >= job->due_stored ||
     (job->due_changes && st->changes >= job->due_changes));
}

/* It was tried, and came to nothing: again when there is twice as much, or
 * most of what there is has been written anew.
 */
static void
job_postpone (struct dictionary_job *job, const struct holdings *st, int error)
{
  job_train_at (job, 2 * st->objects * job->parts->layout->page,
                st->changes + st->objects);
  if (error == -ENOSPC || error == -ENOMEM) {
    job_train_at (job, DICTIONARY_STORED, 0);
    job->rest = REST;
  }
}

/* Trials. */

struct try {
  struct sample sample;
  char *buffer;
  uint32_t bytes;
  unsigned max;
  struct trial_pages pages;
};

static uint64_t
job_random (struct dictionary_job *job)
{
  job->rng = job->rng * UINT64_C (6364136223846793005) + 1442695040888963407;
  return job->rng >> 16 | 1;
}

/* Room for pages to try dictionaries on. */
static int
try_begin (struct dictionary_job *job, struct try *t, enum sample_part part)
{
  uint32_t page = job->parts->layout->page;
  int r;

  *t = (struct try) {
    .sample = {
      .parts = job->parts, .part = part, .rng = job_random (job),
    },
    .bytes = TRIAL_PAGES * page > TRIAL_BYTES ? TRIAL_BYTES
      : TRIAL_PAGES * page,
  };
  r = job_charge (job->parts, t->bytes);
  if (r < 0)
    return r;
  t->buffer = os_alloc (t->bytes);
  if (!t->buffer) {
    job_credit (job->parts, t->bytes);
    return -ENOMEM;
  }
  t->pages.pages = t->buffer;
  t->max = t->bytes / page;
  return 0;
}

/* Some that were written lately. */
static void
try_add_recent (struct try *t)
{
  t->pages.n = sample_recent (&t->sample, t->buffer, t->max);
}

/* Others: as many again, if there are some of those, which count more. */
static void
try_add_random (struct try *t)
{
  unsigned n = t->pages.n, max = n && n < t->max - n ? n : t->max - n;
  uint32_t page = t->sample.parts->layout->page;

  t->pages.n += sample_random (&t->sample, t->buffer + (size_t) n * page,
                               max);
}

static void
try_end (struct dictionary_job *job, struct try *t)
{
  os_free (t->buffer, t->bytes);
  job_credit (job->parts, t->bytes);
}

/* What must be saved for the time that it costs, in thousandths.  At 4 KiB a
 * page the fast levels take less time with a dictionary; above 8 KiB they take
 * up to half as much again, since the library copies its tables for each page.
 */
static int
job_price (const struct trial *t)
{
  uint64_t more = t->with_ns > t->plain_ns ? t->with_ns - t->plain_ns : 0;
  uint64_t price = t->plain_ns ? more * 1000 / t->plain_ns / TIME_PRICE : 0;

  return price < 1000 ? (int) price : 1000;
}

/* What it must save, in times of what it holds: trials are of a few pages, and
 * what is stored already stays as it is.
 */
#define HELD_PRICE 2

/* Would a dictionary save enough: a share of what is compressed, and of all
 * that is stored much more than it holds?
 */
static bool
job_is_worth (const struct trial *t, const struct holdings *st)
{
  int gain = trial_gain (t);

  return gain >= DICTIONARY_GAIN + job_price (t) &&
    st->bytes / 1000 * (uint64_t) gain > HELD_PRICE * t->held;
}

/* Does it make this much less of the same pages than the one in use? */
static bool
job_is_better (const struct trial *t, const struct trial *now)
{
  return t->with * 1000 <= now->with * (1000 - DICTIONARY_GAIN);
}

/* Taking one into use, or none. */

/* With this dictionary, if all is as it was when it was looked at. */
static int
job_take (struct dictionary_job *job, const struct coding_kind *seen,
          struct dictionary *dictionary)
{
  struct coding_kind kind = *seen, now;
  int r = -EAGAIN;

  kind.dictionary = dictionary;
  if (dictionary)
    dictionary->generation = ++job->generation;
  pthread_mutex_lock (job->parts->change);
  now = coding_kind_now (job->parts->codings);
  if (now.id == seen->id && now.level == seen->level &&
      now.dictionary == seen->dictionary &&
      job->forgotten == job->forgotten_seen)
    r = codings_switch (job->parts, &kind);
  pthread_mutex_unlock (job->parts->change);
  return r;
}

/* A dictionary that was in use does harm by now, and there is no better. */
static void
job_drop (struct dictionary_job *job, const struct coding_kind *now)
{
  if (job_take (job, now, NULL) == 0)
    job->says = SAYS_NO_GAIN;
}

static void
job_use (struct dictionary_job *job, const struct coding_kind *now,
         struct dictionary *d, const struct trial *t, const struct holdings *st)
{
  int r = job_take (job, now, d);

  if (r == 0) {
    job->gain = trial_gain (t);
    job->says = SAYS_USED;
    job->checked = st->changes;
    job_train_at (job, UINT64_MAX, 0);
  }
  else if (r != -EAGAIN) {
    job->says = job_says_error (r);
    job_postpone (job, st, r);
  }
}

/* Try a new dictionary, and what there is now, on the same pages.  If there is
 * one it is because of what is written now that another is wanted.
 */
static int
job_compare (struct dictionary_job *job, const struct coding_kind *now,
             struct dictionary *d, struct trial *new, struct trial *old)
{
  struct coding_kind kind = *now;
  struct try t;
  int r = try_begin (job, &t, SAMPLE_TRY);

  if (r < 0)
    return r;
  if (now->dictionary)
    try_add_recent (&t);
  try_add_random (&t);
  kind.dictionary = d;
  r = dictionary_trial (job->parts, &job->idle, &kind, &t.pages, new);
  *old = *new;
  old->with = new->plain;
  if (r == 0 && now->dictionary)
    r = dictionary_trial (job->parts, &job->idle, now, &t.pages, old);
  try_end (job, &t);
  return r;
}

static void
job_decide (struct dictionary_job *job, const struct coding_kind *now,
            struct dictionary *d, const struct holdings *st)
{
  struct trial new, old;
  int r = job_compare (job, now, d, &new, &old);

  if (r < 0) {
    job->says = job_says_error (r);
    job_postpone (job, st, r);
    return;
  }
  if (job_is_worth (&new, st) && job_is_better (&new, &old)) {
    job_use (job, now, d, &new, st);
    return;
  }
  job->gain = trial_gain (now->dictionary ? &old : &new);
  job_postpone (job, st, 0);
  if (!now->dictionary)
    job->says = SAYS_NO_GAIN;
  else if (old.with > old.plain)
    job_drop (job, now);
}

/* There may be so many generations and no more: true if there is room for
 * another, or else a little more of the oldest has gone.
 */
static bool
job_has_room (struct dictionary_job *job)
{
  int r = dictionary_retire (job->parts, &job->retiring,
                             DICTIONARY_GENERATIONS - 1);

  if (r != 0)
    job->says = r == -EAGAIN ? SAYS_GENERATIONS : job_says_error (r);
  if (r < 0 && r != -EAGAIN)
    job->rest = REST;
  return r == 0;
}

static void
job_train (struct dictionary_job *job, const struct coding_kind *now,
           const struct holdings *st)
{
  struct dictionary *d;
  int r;

  r = dictionary_train (job->parts, &job->idle, now, NULL, job_random (job),
                        &d);
  if (r == 0) {
    job->trainings++;
    if (!job->stop)
      job_decide (job, now, d, st);
  }
  else {
    job->says = job_says_error (r);
    job_postpone (job, st, r);
  }
  dictionary_drop (d);
}

/* Does the dictionary in use still save anything, of what was written
 * lately?
 */
static void
job_check (struct dictionary_job *job, const struct coding_kind *now,
           const struct holdings *st)
{
  struct trial trial;
  struct try t;
  int r;

  job->checked = st->changes;
  if (try_begin (job, &t, SAMPLE_ANY) < 0)
    return;
  if (t.max > CHECK_PAGES)
    t.max = CHECK_PAGES;
  try_add_recent (&t);
  r = t.pages.n < CHECK_PAGES_MIN ? -ENODATA
    : dictionary_trial (job->parts, &job->idle, now, &t.pages, &trial);
  try_end (job, &t);
  if (r < 0)
    return;
  job->gain = trial_gain (&trial);
  if (job->gain < DICTIONARY_GAIN && job->due_changes == 0)
    job_train_at (job, UINT64_MAX, st->changes + st->objects / AGAIN_SHARE);
}

static bool
job_work (struct dictionary_job *job, const struct coding_kind *now)
{
  struct holdings st = parts_holdings (job->parts);

  if (!dictionary_suits (now->id)) {
    job->says = SAYS_CODEC;
    return false;
  }
  if (now->dictionary)
    job->says = SAYS_USED;
  if (job_is_due (job, &st)) {
    if (job_has_room (job))
      job_train (job, now, &st);
    return true;
  }
  if (!now->dictionary) {
    if (job->says == SAYS_USED || job->says == SAYS_CODEC)
      job->says = SAYS_LITTLE;
    return false;
  }
  if (st.changes - job->checked < DICTIONARY_CHECK)
    return false;
  job_check (job, now, &st);
  return true;
}

bool
dictionary_job_step (struct dictionary_job *job)
{
  struct coding_kind now;
  bool did;

  if (!job->on || !job_look (job, &now))
    return false;
  job_notice (job, &now);
  if (job->rest) {
    job->rest--;
    did = false;
  }
  else
    did = job_work (job, &now);
  dictionary_drop (now.dictionary);
  return did;
}
