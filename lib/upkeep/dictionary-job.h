/* nbdkit-zram: the dictionary that new objects are written with.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Looks now and then at what the disk holds.  Once there is enough it trains
 * a dictionary on that, tries it on other pages, and lets new objects use it
 * if that saves more than the dictionary holds.  What is stored stays as it
 * is.  When what is written changes, so that the dictionary saves nothing any
 * more, it makes another.  Of the generations that objects still need there
 * are a few at most: the oldest is made to go.
 */

#ifndef ZRAM_DICTIONARY_JOB_H
#define ZRAM_DICTIONARY_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dictionary-retire.h"
#include "dictionary.h"
#include "idle.h"
#include "parts.h"
#include "worker.h"

#define DICTIONARY_STORED (UINT64_C (16) << 20) /* bytes of pages to begin at */
#define DICTIONARY_GENERATIONS 8        /* at most */
#define DICTIONARY_GAIN 10      /* thousandths that it must save */
#define DICTIONARY_CHECK 16384  /* changes until it is looked at whether it
                                   still does */

/* What it says of itself; dictionary-job.c has the texts. */
enum dictionary_says {
  SAYS_OFF, SAYS_CODEC, SAYS_LITTLE, SAYS_USED, SAYS_NO_GAIN, SAYS_LIMIT,
  SAYS_MEMORY, SAYS_PAGES, SAYS_CODINGS, SAYS_GENERATIONS, SAYS_UNUSABLE,
  SAYS_SWAP,
};

struct dictionary_job {
  const struct parts *parts;
  bool on;
  struct worker worker;
  struct idle idle;
  _Atomic bool stop;
  _Atomic unsigned forgotten;   /* how often all data was */

  /* Of whoever calls dictionary_job_step. */
  unsigned forgotten_seen;
  unsigned id;                  /* of the codec, and level, when it last */
  int level;                    /*   looked */
  uint64_t due_stored;          /* train when so much is stored, */
  uint64_t due_changes;         /*   or after so many changes; 0: not */
  uint64_t checked;             /* changes at the last check */
  unsigned rest;                /* steps to do nothing in */
  uint64_t rng, generation;
  struct retiring retiring;

  /* For statistics. */
  _Atomic uint64_t trainings;
  _Atomic int gain;             /* thousandths that it saved when last tried */
  _Atomic unsigned says;
};

/* Does it do anything by itself? */
extern void dictionary_job_init (struct dictionary_job *job,
                                 const struct parts *parts, bool on);
extern void dictionary_job_destroy (struct dictionary_job *job);

/* Start and stop its thread.  -errno.  Stopping waits for one training at
 * most.
 */
extern int dictionary_job_start (struct dictionary_job *job);
extern void dictionary_job_stop (struct dictionary_job *job);

/* What its thread does again and again.  Did it do something? */
extern bool dictionary_job_step (struct dictionary_job *job);

/* The dictionary for new objects of this codec, from now on, with `change'
 * locked; NULL: none.  It is the caller's only until `change' is unlocked.
 */
extern struct dictionary *dictionary_job_for (struct dictionary_job *job,
                                              unsigned id);

/* How new objects are written has been changed; with `change' locked. */
extern void dictionary_job_changed (struct dictionary_job *job);

/* All data has been forgotten: forget what was learnt from it.  With `change'
 * locked.
 */
extern void dictionary_job_forget (struct dictionary_job *job);

/* One line: what it does or waits for. */
extern const char *dictionary_job_says (const struct dictionary_job *job);

#endif /* ZRAM_DICTIONARY_JOB_H */
