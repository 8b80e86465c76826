/* nbdkit-zram: old dictionaries made to go.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "dictionary-retire.h"
#include "rewrite.h"

/* What is done in one call: so many pages rewritten, or slots passed over. */
#define PAGES 256
#define SLOTS 65536

/* The codings that go, as bits. */
static unsigned
retire_codings (const struct codings *c, const struct dictionary *d)
{
  unsigned i, set = 0;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (c->coding[i].codec && c->coding[i].dictionary == d)
      set |= 1u << i;
  return set;
}

struct plan {
  unsigned codings;             /* that go; 0: none needs to */
  uint64_t generation;
  struct coding_kind kind;      /* to write with; its dictionary is ours */
};

static struct plan
retire_plan (const struct parts *p, unsigned max)
{
  const struct codings *c = p->codings;
  struct plan plan = { 0 };
  struct dictionary *oldest;
  unsigned n;

  pthread_mutex_lock (p->change);
  oldest = codings_oldest (c, &n);
  if (oldest && n > max) {
    plan.codings = retire_codings (c, oldest);
    plan.generation = oldest->generation;
    plan.kind = coding_kind_now (c);
    dictionary_share (plan.kind.dictionary);
  }
  pthread_mutex_unlock (p->change);
  return plan;
}

static bool
retire_wants (void *opaque, const struct zram_slot *about)
{
  const struct plan *plan = opaque;

  return about->coding < CODINGS_MAX && plan->codings >> about->coding & 1;
}

/* The slots from here on that one entry speaks for; 0 past the last.  *stored:
 * it is one page that may be of those.
 */
static uint64_t
retire_run (struct shard *s, uint64_t slot, bool *stored)
{
  uint32_t entry = ENTRY_HOLE;
  uint64_t n = 0;

  shard_lock (s);
  if (slot < s->nslots)
    n = table_run (&s->table, slot, s->nslots, &entry);
  shard_unlock (s);
  *stored = entry_tag (entry) == TAG_OBJECT;
  return n;
}

/* Some pages more.  True: all slots have been looked at. */
static bool
retire_some (const struct parts *p, struct retiring *r, struct plan *plan,
             struct rewriter *w)
{
  unsigned pages = 0, slots;
  uint32_t gained;
  uint64_t n;
  bool stored;

  for (slots = 0; slots < SLOTS && pages < PAGES; ++slots) {
    if (r->shard == p->nshards)
      return true;
    n = retire_run (&p->shards[r->shard], r->slot, &stored);
    if (stored)
      pages += rewrite_page (w, &p->shards[r->shard], r->slot, retire_wants,
                             plan, &gained) == REWRITE_DONE;
    r->slot += n;
    if (n == 0)
      *r = (struct retiring) { r->generation, r->shard + 1, 0 };
  }
  return false;
}

static int
retire (const struct parts *p, struct retiring *r, struct plan *plan)
{
  struct rewriter w;
  int error = rewriter_open (&w, p, &plan->kind);
  bool all;

  if (error < 0)
    return error;
  w.any_size = true;
  all = retire_some (p, r, plan, &w);
  rewriter_close (&w);
  if (!all)
    return -EAGAIN;
  r->generation = 0;
  return 0;
}

int
dictionary_retire (const struct parts *p, struct retiring *r, unsigned max)
{
  struct plan plan = retire_plan (p, max);
  int error;

  if (plan.codings == 0)
    return 0;
  if (r->generation != plan.generation)
    *r = (struct retiring) { plan.generation, 0, 0 };
  error = retire (p, r, &plan);
  dictionary_drop (plan.kind.dictionary);
  if (error < 0)
    return error;
  codings_tidy (p);
  plan = retire_plan (p, max);
  dictionary_drop (plan.kind.dictionary);
  return plan.codings ? -EBUSY : 0;
}
