/* nbdkit-zram: upkeep by itself: time, what is to be done, and the thread.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <time.h>

#include "load.h"
#include "upkeep.h"

#define SECOND UINT64_C (1000000000)    /* ns */

/* A page is cold after so many epochs: the others follow from it. */
#define COLD_EPOCHS 180u

/* Time that is counted of one that passed unseen. */
#define UNSEEN_MAX (60 * SECOND)

/* No more epochs begin while ages have not been held for so many; after this
 * many a round ends so that they are.
 */
#define UNHELD_MAX 32u
#define UNHELD_LONG 16u

_Static_assert (AGE_HELD + UNHELD_MAX <= AGE_MAX, "no age wraps round");
_Static_assert (COLD_EPOCHS + 2 <= AGE_HELD, "pages get cold");

/* Pages that are worth the start of a round. */
#define ROUND_PAGES 64

#define TICK_MS 1000
#define TICK_FAST_MS 50         /* where time is made to pass faster */

#define SLEEP_LEAST (SECOND / 50)       /* a debt that is worth a sleep */
#define SLEEP_MOST_MS 100
#define LOOK_EVERY SECOND               /* at the pressure */
#define REST (30 * SECOND)              /* where there was no memory */

static uint64_t
upkeep_clock (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

static uint64_t
upkeep_now (void)
{
  return upkeep_clock (CLOCK_MONOTONIC);
}

static uint64_t
upkeep_number (const struct upkeep *u, enum zram_upkeep_number n)
{
  return u->asked.n[n];
}

static void
upkeep_say (struct upkeep *u, enum zram_upkeep_state state, uint64_t value)
{
  atomic_store_explicit (&u->value, value, memory_order_relaxed);
  atomic_store_explicit (&u->state, state, memory_order_relaxed);
}

/* Time. */

static uint64_t
upkeep_epoch (const struct upkeep *u)
{
  return upkeep_number (u, ZRAM_UPKEEP_COLD) * SECOND / COLD_EPOCHS;
}

/* Epochs after which a page was certainly not used for so long: it may have
 * been used at the end of the first.
 */
static unsigned
upkeep_epochs (const struct upkeep *u, uint64_t seconds)
{
  uint64_t epoch = upkeep_epoch (u);

  return (unsigned) ((seconds * SECOND + epoch - 1) / epoch) + 1;
}

static void
upkeep_advance (struct upkeep *u, unsigned epochs)
{
  unsigned i;

  for (i = 0; i < u->parts->nshards; ++i) {
    shard_lock (&u->parts->shards[i]);
    u->parts->shards[i].table.epoch += epochs;
    shard_unlock (&u->parts->shards[i]);
  }
  u->unheld += epochs;
}

/* Let the time pass that has.  What would be too many epochs at once comes
 * later, but no more than that of it.
 */
static void
upkeep_let_pass (struct upkeep *u)
{
  uint64_t now = upkeep_now (), epoch = upkeep_epoch (u), n;
  uint64_t unseen = now > u->seen ? now - u->seen : 0;

  u->seen = now;
  if (unseen > UNSEEN_MAX)
    unseen = UNSEEN_MAX;
  u->passed += unseen * upkeep_number (u, ZRAM_UPKEEP_SPEED);
  n = u->passed / epoch;
  if (n == 0)
    return;
  if (n > UNHELD_MAX)
    u->passed = UNHELD_MAX * epoch;
  if (n > UNHELD_MAX - u->unheld)
    n = UNHELD_MAX - u->unheld;
  u->passed -= n * epoch;
  if (n)
    upkeep_advance (u, (unsigned) n);
}

bool
upkeep_pause (struct upkeep *u)
{
  uint64_t used, debt, ms;

  for (;;) {
    upkeep_let_pass (u);
    used = upkeep_clock (CLOCK_THREAD_CPUTIME_ID) + u->idle.cpu;
    atomic_store_explicit (&u->n.cpu_ns, used, memory_order_relaxed);
    debt = budget_debt (&u->budget, u->seen, used);
    if (debt < SLEEP_LEAST)
      return !worker_stops (&u->worker);
    ms = debt / (SECOND / 1000);
    if (!worker_sleep (&u->worker,
                       (unsigned) (ms < SLEEP_MOST_MS ? ms : SLEEP_MOST_MS)))
      return false;
  }
}

/* From here on time passes, and is counted. */
static void
upkeep_begin (struct upkeep *u)
{
  u->seen = upkeep_now ();
  u->looked = u->seen;
  u->budget = (struct budget) {
    .percent = (unsigned) upkeep_number (u, ZRAM_UPKEEP_CPU),
    .since = u->seen,
    .used = u->idle.cpu,
  };
}

/* What is to be done. */

/* In percent, if it is too much; else -1. */
static int
upkeep_pressure (struct upkeep *u)
{
  int percent = load_pressure (u->pressure_file);

  u->looked = u->seen;
  return percent > (int) upkeep_number (u, ZRAM_UPKEEP_PRESSURE) ? percent
    : -1;
}

bool
upkeep_proceed (struct upkeep *u)
{
  return upkeep_pause (u) && u->unheld < UNHELD_LONG &&
    (u->seen - u->looked < LOOK_EVERY || upkeep_pressure (u) < 0);
}

/* In percent of the limit or, without one, of the machine's memory. */
static unsigned
upkeep_used (const struct upkeep *u)
{
  uint64_t limit = atomic_load (&u->parts->account->limit);
  uint64_t held = atomic_load (&u->parts->account->held);

  if (!limit)
    return load_memory (u->memory_file);
  return held >= limit ? 100 : (unsigned) (held / (limit / 100 + 1));
}

static bool
upkeep_is_short (const struct upkeep *u)
{
  return atomic_load (&u->parts->account->limit) &&
    upkeep_used (u) >= upkeep_number (u, ZRAM_UPKEEP_FULL);
}

/* How many pages of a stage are so old. */
static uint64_t
upkeep_older (const struct upkeep *u, enum stage stage, unsigned epochs)
{
  uint64_t n = 0;

  for (; epochs <= AGE_MAX; ++epochs)
    n += u->pages[stage][epochs];
  return n;
}

/* Where memory is short: the older half of the ages that there are. */
static unsigned
upkeep_oldest_first (const struct upkeep *u, enum stage stage, unsigned epochs)
{
  unsigned age = AGE_MAX;

  while (age > epochs && upkeep_older (u, stage, age) < ROUND_PAGES)
    age--;
  return age / 2 > epochs ? age / 2 : epochs;
}

/* After how many seconds a page is of a stage.  Short of memory what is idle
 * becomes cold.
 */
static uint64_t
upkeep_seconds (const struct upkeep *u, enum stage stage, bool is_short)
{
  uint64_t idle = upkeep_idle_seconds (&u->asked, upkeep_used (u));

  if (stage == STAGE_COLD)
    return is_short ? idle : upkeep_number (u, ZRAM_UPKEEP_COLD);
  return is_short ? upkeep_number (u, ZRAM_UPKEEP_SHORT) : idle;
}

/* Is there something to be done?  If not, say why. */
static bool
upkeep_choose (struct upkeep *u, struct upkeep_round *round)
{
  bool is_short = upkeep_is_short (u);
  struct holdings h = parts_holdings (u->parts);
  uint64_t stored = h.bytes + h.raw * u->parts->layout->page;
  unsigned stage, epochs;
  int pressure;

  if (stored < upkeep_number (u, ZRAM_UPKEEP_LEAST)) {
    upkeep_say (u, ZRAM_UPKEEP_WAITS_LITTLE, stored);
    return false;
  }
  for (stage = 0; stage < STAGES; ++stage) {
    epochs = upkeep_epochs (u, upkeep_seconds (u, stage, is_short));
    if (upkeep_older (u, stage, epochs) >= ROUND_PAGES)
      break;
  }
  if (stage == STAGES) {
    upkeep_say (u, ZRAM_UPKEEP_WAITS_IDLE,
                upkeep_seconds (u, STAGE_IDLE, is_short));
    return false;
  }
  pressure = upkeep_pressure (u);
  if (pressure >= 0) {
    upkeep_say (u, ZRAM_UPKEEP_PAUSED, (uint64_t) pressure);
    return false;
  }
  *round = (struct upkeep_round) {
    .stage = stage,
    .epochs = is_short ? upkeep_oldest_first (u, stage, epochs) : epochs,
  };
  return true;
}

static void
upkeep_remember (struct upkeep *u, const struct upkeep_round *round)
{
  const struct {
    counter *to;
    uint64_t n;
  } last[] = {
    { &u->last.stage, round->stage }, { &u->last.tried, round->tried },
    { &u->last.done, round->done }, { &u->last.gained, round->gained },
    { &u->last.when, upkeep_now () }, { &u->last.any, 1 },
  };
  unsigned i;

  for (i = 0; i < sizeof last / sizeof last[0]; ++i)
    atomic_store_explicit (last[i].to, last[i].n, memory_order_relaxed);
  counter_add (&u->n.rounds, 1);
  counter_add (&u->n.tried, round->tried);
  counter_add (&u->n.done[round->stage], round->done);
  counter_add (&u->n.gained, round->gained);
}

static void
upkeep_do (struct upkeep *u, struct upkeep_round *round)
{
  upkeep_say (u, ZRAM_UPKEEP_WORKS, round->stage);
  upkeep_round (u, round);
  u->stale = true;
  if (round->tried)
    upkeep_remember (u, round);
  if (round->error < 0) {
    upkeep_say (u, ZRAM_UPKEEP_NO_MEMORY, (uint64_t) -round->error);
    u->rests = upkeep_now () + REST;
  }
}

void
upkeep_look (void *opaque)
{
  struct upkeep *u = opaque;
  struct upkeep_round round;

  if (!upkeep_pause (u))
    return;
  if ((u->unheld || u->stale) && !upkeep_count (u))
    return;
  if (u->seen >= u->rests && upkeep_choose (u, &round))
    upkeep_do (u, &round);
}

/* Nobody is in the way, and somebody waits. */
int
upkeep_all (struct upkeep *u)
{
  struct upkeep_round round = { 0 };
  unsigned stage;

  if (!upkeep_wants_ages (&u->asked, u->swap))
    return -ENOTSUP;
  u->asked.n[ZRAM_UPKEEP_CPU] = u->asked.n[ZRAM_UPKEEP_PRESSURE] = 100;
  u->hurried = true;
  idle_hurry (&u->idle);
  for (stage = 0; stage < STAGES && round.error == 0; ++stage) {
    round = (struct upkeep_round) { .stage = stage };
    u->unheld = 0;
    upkeep_begin (u);
    upkeep_round (u, &round);
    upkeep_remember (u, &round);
  }
  idle_relax (&u->idle);
  return round.error;
}

/* The thread. */

static enum zram_upkeep_state
upkeep_first_state (const struct upkeep *u)
{
  return !u->asked.on ? ZRAM_UPKEEP_OFF : u->swap ? ZRAM_UPKEEP_OFF_SWAP
    : u->codec < 0 ? ZRAM_UPKEEP_OFF_CODEC : ZRAM_UPKEEP_OFF_THREAD;
}

bool
upkeep_wants_ages (const struct zram_upkeep *asked, bool swap)
{
  return asked->on && !swap && codec_find ("zstd") >= 0;
}

void
upkeep_init (struct upkeep *u, const struct parts *parts,
             const struct zram_upkeep *asked, bool swap, bool dictionary)
{
  bool fast = asked->n[ZRAM_UPKEEP_SPEED] >= TICK_MS / TICK_FAST_MS;

  u->parts = parts;
  u->asked = *asked;
  u->swap = swap;
  u->codec = codec_find ("zstd");
  u->dictionary = dictionary;
  idle_init (&u->idle);
  u->budget.percent = (unsigned) asked->n[ZRAM_UPKEEP_CPU];
  u->pressure_file = LOAD_PRESSURE;
  u->memory_file = LOAD_MEMORY;
  worker_init (&u->worker, "zram-upkeep", fast ? TICK_FAST_MS : TICK_MS,
               upkeep_look, u);
  upkeep_say (u, upkeep_first_state (u), 0);
}

void
upkeep_destroy (struct upkeep *u)
{
  worker_destroy (&u->worker);
  idle_destroy (&u->idle);
}

int
upkeep_start (struct upkeep *u)
{
  int r;

  if (upkeep_first_state (u) != ZRAM_UPKEEP_OFF_THREAD)
    return 0;
  upkeep_begin (u);
  u->hurried = false;
  u->stale = true;
  upkeep_say (u, ZRAM_UPKEEP_WAITS_LITTLE, 0);
  r = worker_start (&u->worker);
  if (r < 0)
    upkeep_say (u, ZRAM_UPKEEP_OFF_THREAD, 0);
  return r;
}

void
upkeep_stop (struct upkeep *u)
{
  if (!u->worker.running)
    return;
  u->hurried = true;
  idle_hurry (&u->idle);
  worker_hurry (&u->worker);
  worker_stop (&u->worker);
  idle_relax (&u->idle);
  upkeep_say (u, ZRAM_UPKEEP_OFF_THREAD, 0);
}

void
upkeep_report (const struct upkeep *u, struct zram_upkeep_report *report)
{
  uint64_t when = counter_get (&u->last.when), now = upkeep_now ();

  *report = (struct zram_upkeep_report) {
    .state = (enum zram_upkeep_state) counter_get (&u->state),
    .value = counter_get (&u->value),
    .any = counter_get (&u->last.any),
    .stage = (unsigned) counter_get (&u->last.stage),
    .tried = counter_get (&u->last.tried),
    .done = counter_get (&u->last.done),
    .gained = counter_get (&u->last.gained),
    .ago = now > when ? (now - when) / SECOND : 0,
  };
}
