/* nbdkit-zram: claims: work on a slot without the lock.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Who works on what a slot holds (merges, recompresses, ...) takes a claim
 * on it under the shard's lock, works without the lock, locks again, and
 * commits only if the claim is unbroken: whoever publishes or frees the
 * slot breaks the claims on it.  Compaction breaks none, since it changes
 * no content.  Else the work is done again.
 *
 * Whose claim was broken a few times takes a turn on the slot.  Turns are
 * a queue.  The first of a slot has that slot to itself: whoever else
 * would write or clear it takes a turn too, behind those who are there,
 * and waits.  Reads take no turns.  Why nobody is kept out for ever:
 *
 *   - A turn ends when its owner has committed or failed.  In between he
 *     needs nothing but the shard's lock: he has his workspace already, and
 *     who has one turn never asks for another.  So whoever waits for a
 *     turn waits for those before him, one run of the codec each (and at
 *     the limit the compaction that makes room), and there is no circle.
 *   - While he is first only a reset or a shrink can break his claim; they
 *     take no turns and wait for none.  After a reset he works once more;
 *     after a shrink he is told that the slot is gone, and fails.
 *   - Those before him do not become more: whoever comes later is behind.
 *     (A claim without a turn may be broken for ever; so it is not tried
 *     for ever.)
 *
 * The order is: workspace, turn, lock of the shard.  All of this is used
 * under the lock, and the lists are empty nearly always.
 */

#ifndef ZRAM_CLAIM_H
#define ZRAM_CLAIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct claim {
  uint64_t slot;
  bool broken;
  struct claim *next;
};

struct turn {
  uint64_t slot;
  bool queued;
  struct turn *next;
};

struct claims {
  struct claim *first;          /* in no order */
  struct turn *queue;           /* the oldest first */
  pthread_cond_t moved_on;      /* somebody's turn has ended */
};

extern void claims_init (struct claims *c);
extern void claims_destroy (struct claims *c);

static inline void
claim_take (struct claims *c, struct claim *claim, uint64_t slot)
{
  *claim = (struct claim) { .slot = slot, .next = c->first };
  c->first = claim;
}

/* The claim is no longer on the list; was it unbroken? */
extern bool claim_drop (struct claims *c, struct claim *claim);

extern void claims_break_list (struct claims *c, uint64_t from,
                               uint64_t to);

/* Slots [from, to) have changed. */
static inline void
claims_break (struct claims *c, uint64_t from, uint64_t to)
{
  if (c->first)
    claims_break_list (c, from, to);
}

/* Wait for a turn on a slot.  The lock is let go while waiting. */
extern void turn_take (struct claims *c, struct turn *turn, uint64_t slot,
                       pthread_mutex_t *lock);

/* It is over; if there was none nothing happens. */
extern void turn_leave (struct claims *c, struct turn *turn);
static inline void
turn_end (struct claims *c, struct turn *turn)
{
  if (turn->queued)
    turn_leave (c, turn);
}

/* The first slot of [from, to) that somebody has a turn on, or `to'. */
extern uint64_t turn_next (const struct claims *c, uint64_t from,
                           uint64_t to);

/* Before writing a slot: take a turn if somebody has one. */
static inline void
turn_respect (struct claims *c, struct turn *turn, uint64_t slot,
              pthread_mutex_t *lock)
{
  turn->queued = false;
  if (c->queue && turn_next (c, slot, slot + 1) == slot)
    turn_take (c, turn, slot, lock);
}

#endif /* ZRAM_CLAIM_H */
