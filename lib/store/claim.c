/* nbdkit-zram: claims: work on a slot without the lock.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "claim.h"
#include "invariant.h"

void
claims_init (struct claims *c)
{
  *c = (struct claims) { .first = NULL };
  pthread_cond_init (&c->moved_on, NULL);
}

void
claims_destroy (struct claims *c)
{
  pthread_cond_destroy (&c->moved_on);
}

bool
claim_drop (struct claims *c, struct claim *claim)
{
  struct claim **p = &c->first;

  while (*p != claim) {
    CHEAP (I8, *p != NULL);
    p = &(*p)->next;
  }
  *p = claim->next;
  return !claim->broken;
}

void
claims_break_list (struct claims *c, uint64_t from, uint64_t to)
{
  struct claim *claim;

  for (claim = c->first; claim; claim = claim->next)
    if (claim->slot >= from && claim->slot < to)
      claim->broken = true;
}

static bool
turn_is_first (const struct claims *c, const struct turn *turn)
{
  const struct turn *t = c->queue;

  while (t->slot != turn->slot)
    t = t->next;
  return t == turn;
}

void
turn_take (struct claims *c, struct turn *turn, uint64_t slot,
           pthread_mutex_t *lock)
{
  struct turn **p = &c->queue;

  *turn = (struct turn) { .slot = slot, .queued = true };
  while (*p)
    p = &(*p)->next;
  *p = turn;
  while (!turn_is_first (c, turn))
    pthread_cond_wait (&c->moved_on, lock);
}

void
turn_leave (struct claims *c, struct turn *turn)
{
  struct turn **p = &c->queue;

  while (*p != turn) {
    CHEAP (I8, *p != NULL);
    p = &(*p)->next;
  }
  *p = turn->next;
  turn->queued = false;
  pthread_cond_broadcast (&c->moved_on);
}

uint64_t
turn_next (const struct claims *c, uint64_t from, uint64_t to)
{
  const struct turn *t;

  for (t = c->queue; t; t = t->next)
    if (t->slot >= from && t->slot < to)
      to = t->slot;
  return to;
}
