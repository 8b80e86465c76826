/* nbdkit-zram: upkeep by itself: idle pages are compressed again, better.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread lets the pages of a disk age (table.h), and now and then counts
 * how many there are of each age.  Those that are idle it recompresses with
 * a better level of zstd; those that are cold, with a better one still.  A
 * page that this was tried on is marked as tended, and left alone until it
 * is written.
 *
 * Ages are of time that passed while the thread ran: not while the machine
 * was suspended, or the server stopped, when nobody could use a page.  So a
 * clock that jumps makes no page old.
 *
 *   upkeep-numbers.c  the table of the numbers it goes by
 *   upkeep-dictionary.c  the dictionary of cold pages
 *   upkeep-round.c    the walk over the pages, and what is done to them
 *   upkeep.c          time, what is to be done next, and the thread
 */

#ifndef ZRAM_UPKEEP_H
#define ZRAM_UPKEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "counter.h"
#include "dictionary.h"
#include "idle.h"
#include "parts.h"
#include "table.h"
#include "worker.h"

enum stage { STAGE_IDLE, STAGE_COLD, STAGES };
_Static_assert ((int) STAGES == (int) ZRAM_UPKEEP_STAGES,
                "the interface shows them");

struct upkeep {
  const struct parts *parts;
  struct zram_upkeep asked;
  bool swap;
  int codec;                    /* zstd's id, or -1 */
  const char *pressure_file, *memory_file;
  bool dictionary;              /* may it train one? */
  struct worker worker;
  struct budget budget;
  struct idle idle;             /* for training */
  uint64_t trained;             /* how often */

  /* Of its thread alone: time. */
  uint64_t seen;                /* ns: when it last looked at the clock */
  uint64_t passed;              /* ns that no epoch has been made of yet */
  unsigned unheld;              /* epochs since all ages were held */
  uint64_t looked;              /* ns: when it last looked at the pressure */
  uint64_t rests;               /* ns: until then it does nothing */

  /* The last count: pages by age in epochs, that a stage has not tended. */
  bool stale;                   /* something was done since */
  uint64_t pages[STAGES][AGE_MAX + 1];

  /* For everybody to read. */
  struct {
    counter rounds, tried, done[STAGES], gained, cpu_ns;
  } n;
  struct {
    counter any, stage, tried, done, gained, when;
  } last;
  counter state, value;         /* enum zram_upkeep_state */
  atomic_bool hurried;          /* somebody waits for the thread's end */
};

/* A round of a stage: pages of at least so many epochs. */
struct upkeep_round {
  enum stage stage;
  unsigned epochs;
  uint64_t tried, done, gained;
  int error;                    /* that ended it */
  bool whole;                   /* it came to the end */
};

/* Check the numbers.  -EINVAL, with message. */
extern int upkeep_check (const struct zram_upkeep *asked,
                         char message[ZRAM_MESSAGE_MAX]);

/* For how long a page must not have been used to be idle, in s, where so many
 * percent of the memory are used.
 */
extern uint64_t upkeep_idle_seconds (const struct zram_upkeep *asked,
                                     unsigned used_percent);

/* Does it need ages of the disk's pages? */
extern bool upkeep_wants_ages (const struct zram_upkeep *asked, bool swap);

extern void upkeep_init (struct upkeep *u, const struct parts *parts,
                         const struct zram_upkeep *asked, bool swap,
                         bool dictionary);
extern void upkeep_destroy (struct upkeep *u);

/* Start and stop its thread; nothing if it is off.  -errno. */
extern int upkeep_start (struct upkeep *u);
extern void upkeep_stop (struct upkeep *u);

/* What its thread does each time: for tests, which start none. */
extern void upkeep_look (void *upkeep);

/* Do both stages with all pages, of whatever age, in this thread; its own must
 * not run.  -errno.
 */
extern int upkeep_all (struct upkeep *u);

extern void upkeep_report (const struct upkeep *u,
                           struct zram_upkeep_report *report);

/* Inside: */

/* Between two pieces of work: let time pass, and sleep off what was used too
 * much.  False: stop.
 */
extern bool upkeep_pause (struct upkeep *u);

/* The same, and false too if the work is to be taken up later. */
extern bool upkeep_proceed (struct upkeep *u);

/* Hold all ages and count pages by them.  False: stop. */
extern bool upkeep_count (struct upkeep *u);

extern void upkeep_round (struct upkeep *u, struct upkeep_round *round);

/* Find or train the dictionary of cold pages.  The caller drops it.  NULL:
 * there is none, and it is done without.
 */
extern struct dictionary *upkeep_dictionary (struct upkeep *u);

#endif /* ZRAM_UPKEEP_H */
