/* nbdkit-zram: upkeep by itself: the walk over the pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What a walk looks at first is a byte of age and a bit of marks a page,
 * those of 64 pages at once: most leaves are passed over without a look at
 * any page's segment.  (The recompression that a user asks for has to look
 * at each, for the size.)
 */

#include <config.h>

#include "rewrite.h"
#include "upkeep.h"

/* Steps of a walk that are made without letting others have the lock. */
#define WALK_STEPS 64

static const enum mark tended[STAGES] = {
  [STAGE_IDLE] = MARK_TENDED, [STAGE_COLD] = MARK_TENDED_COLD,
};

/* Counting. */

static void
count_leaf (struct upkeep *u, const struct table *t, const struct leaf *leaf)
{
  unsigned i, age, stage;

  for (i = 0; i < NODE_ENTRIES && leaf->slot + i < t->nslots; ++i) {
    if (entry_is_empty (leaf->entries[i]))
      continue;
    age = (uint8_t) (t->epoch - leaf->epochs[i]);
    for (stage = 0; stage < STAGES; ++stage)
      u->pages[stage][age] += !(leaf->marks->bits[tended[stage]] >> i & 1);
  }
}

/* Some leaves from *slot on.  False: those were all. */
static bool
count_some (struct upkeep *u, struct shard *s, uint64_t *slot)
{
  struct leaf leaf;
  unsigned steps;
  bool found, more;

  shard_lock (s);
  for (steps = 0; steps < WALK_STEPS && *slot < s->table.nslots; ++steps) {
    *slot = table_walk (&s->table, *slot, &leaf, &found);
    if (found)
      count_leaf (u, &s->table, &leaf);
  }
  more = *slot < s->table.nslots;
  shard_unlock (s);
  shard_give_way (s);
  return more;
}

bool
upkeep_count (struct upkeep *u)
{
  unsigned i, stage, age, unheld = u->unheld;
  uint64_t slot;

  for (stage = 0; stage < STAGES; ++stage)
    for (age = 0; age <= AGE_MAX; ++age)
      u->pages[stage][age] = 0;
  for (i = 0; i < u->parts->nshards; ++i) {
    slot = 0;
    while (count_some (u, &u->parts->shards[i], &slot))
      if (!upkeep_pause (u))
        return false;
  }
  u->unheld -= unheld;          /* but for what began meanwhile */
  u->stale = false;
  return true;
}

/* Rewriting. */

/* What is looked at. */
struct visit {
  struct upkeep *u;
  const struct upkeep_round *round;
  struct rewriter rewriter;
  struct shard *shard;
  uint64_t slot;
};

static bool
visit_is_due (const struct visit *v, const struct table *t)
{
  return table_epochs_ago (t, v->slot) >= v->round->epochs &&
    !table_is_marked (t, v->slot, tended[v->round->stage]);
}

/* Is it as good already?  A raw page, huge or late, is of no coding. */
static bool
visit_is_good (const struct visit *v, unsigned number)
{
  const struct codings *c = v->u->parts->codings;
  const struct coding *wanted = &c->coding[v->rewriter.encoder.coding];
  const struct coding *is;

  if (number >= CODINGS_MAX)
    return false;
  is = &c->coding[number];
  return is->id == wanted->id && is->level >= wanted->level &&
    (is->dictionary || !wanted->dictionary);
}

static void
visit_mark (struct visit *v)
{
  unsigned stage;

  for (stage = 0; stage <= v->round->stage; ++stage)
    shard_mark (v->shard, v->slot, tended[stage], true);
}

/* Under the lock: is this page to be rewritten? */
static bool
visit_want (void *opaque, const struct zram_slot *about)
{
  struct visit *v = opaque;

  if (!visit_is_due (v, &v->shard->table))
    return false;
  if (!visit_is_good (v, about->coding))
    return true;
  visit_mark (v);
  return false;
}

/* A page of one repeated word is not offered to visit_want. */
static void
visit_pass_over (struct visit *v)
{
  struct shard *s = v->shard;
  struct zram_slot about;

  shard_lock (s);
  if (v->slot < s->nslots && shard_describe (s, v->slot, &about) &&
      (about.flags & ZRAM_SLOT_SAME) &&
      !entry_is_empty (table_get (&s->table, v->slot)))
    visit_mark (v);
  shard_unlock (s);
}

static void
visit (struct visit *v, struct upkeep_round *round)
{
  uint32_t gained;
  int r;

  v->rewriter.urgent = v->u->hurried;
  r = rewrite_page (&v->rewriter, v->shard, v->slot, visit_want, v, &gained);
  if (r == REWRITE_LEFT)
    visit_pass_over (v);
  else
    round->tried++;
  if (r == REWRITE_DONE)
    round->done++;
  round->gained += gained;
  if (r == -ENOSPC || r == -ENOMEM)
    round->error = r;
}

/* Which slots of a leaf are due, a bit a slot. */
static uint64_t
leaf_due (const struct visit *v, const struct table *t,
          const struct leaf *leaf)
{
  uint64_t due = 0, bit;
  unsigned i;

  for (i = 0; i < NODE_ENTRIES && leaf->slot + i < t->nslots; ++i) {
    bit = (uint8_t) (t->epoch - leaf->epochs[i]) >= v->round->epochs &&
      !entry_is_empty (leaf->entries[i]);
    due |= bit << i;
  }
  return due & ~leaf->marks->bits[tended[v->round->stage]];
}

/* Look from *slot on for slots that are due; those of the last leaf.  False:
 * the shard has no more leaves.
 */
static bool
round_find (struct visit *v, uint64_t *slot, uint64_t *base, uint64_t *due)
{
  struct shard *s = v->shard;
  struct leaf leaf;
  unsigned steps;
  bool found, more;

  *due = 0;
  shard_lock (s);
  for (steps = 0; steps < WALK_STEPS && *slot < s->table.nslots && !*due;
       ++steps) {
    *slot = table_walk (&s->table, *slot, &leaf, &found);
    if (found) {
      *base = leaf.slot;
      *due = leaf_due (v, &s->table, &leaf);
    }
  }
  more = *due || *slot < s->table.nslots;
  shard_unlock (s);
  shard_give_way (s);
  return more;
}

/* False: the round ends here. */
static bool
round_leaf (struct visit *v, struct upkeep_round *round, uint64_t base,
            uint64_t due)
{
  for (; due; due &= due - 1) {
    if (round->error || !upkeep_proceed (v->u))
      return false;
    v->slot = base + (unsigned) __builtin_ctzll (due);
    visit (v, round);
  }
  return round->error == 0 && upkeep_proceed (v->u);
}

static bool
round_shard (struct visit *v, struct upkeep_round *round)
{
  uint64_t slot = 0, base = 0, due;

  while (round_find (v, &slot, &base, &due))
    if (!round_leaf (v, round, base, due))
      return false;
  return true;
}

static int
round_open (struct upkeep *u, struct visit *v,
            const struct upkeep_round *round)
{
  static const enum zram_upkeep_number level[STAGES] = {
    [STAGE_IDLE] = ZRAM_UPKEEP_LEVEL, [STAGE_COLD] = ZRAM_UPKEEP_COLD_LEVEL,
  };
  const struct coding_kind kind = {
    .id = (unsigned) u->codec,
    .level = (int) u->asked.n[level[round->stage]],
    .priority = round->stage + 1u,
    .dictionary = upkeep_dictionary (u),
  };
  unsigned stage;
  int r = rewriter_open (&v->rewriter, u->parts, &kind);

  dictionary_drop (kind.dictionary);    /* the coding has it now */
  if (r < 0)
    return r;
  v->rewriter.gain = (uint32_t) u->asked.n[ZRAM_UPKEEP_GAIN];
  for (stage = 0; stage <= round->stage; ++stage)
    v->rewriter.marks |= 1u << tended[stage];
  return 0;
}

void
upkeep_round (struct upkeep *u, struct upkeep_round *round)
{
  struct visit v = { .u = u, .round = round };
  unsigned i;

  round->error = round_open (u, &v, round);
  if (round->error < 0)
    return;
  round->whole = true;
  for (i = 0; i < u->parts->nshards && round->whole; ++i) {
    v.shard = &u->parts->shards[i];
    round->whole = round_shard (&v, round);
  }
  rewriter_close (&v.rewriter);
}
