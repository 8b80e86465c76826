/* nbdkit-zram: claims: work on a slot without the lock.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread that changes the content of a slot in several steps (to merge a
 * part, to recompress, ...) takes a claim on the slot under the shard's
 * lock.  It works without the lock, locks again, and commits only if the
 * claim is unbroken.  Each thread that publishes or frees a slot breaks the
 * claims on it.  Compaction does not, because it changes no content.  A
 * thread whose claim was broken does its work again.
 *
 * If its claim was broken a few times, a thread takes a turn on the slot.
 * Turns are a queue.  The first in the queue for a slot has the slot to
 * itself: every other thread that would write or clear the slot takes a turn
 * too, at the end of the queue, and waits.  Reads take no turns.  Nobody is
 * kept out for ever, because:
 *
 *   - A turn ends when its owner has committed or failed.  Until then the
 *     owner needs only the shard's lock: it already has its workspace, and a
 *     thread that has a turn never asks for another.  So a thread that waits
 *     for a turn waits only for those before it, one run of the codec each
 *     (and at the limit the compaction that makes room), and there is no
 *     circle.
 *   - While a thread is first, only a reset or a shrink can break its claim;
 *     these take no turns and wait for none.  After a reset the thread works
 *     once more.  After a shrink it is told that the slot is gone, and fails.
 *   - The queue before a thread does not grow, because each new turn goes to
 *     the end.  (A claim without a turn may be broken again and again.  That
 *     is why a thread gives up after a few attempts, and takes a turn.)
 *
 * The order is: workspace, turn, lock of the shard.  All functions here are
 * called under the lock, and the lists are nearly always empty.
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
  pthread_cond_t moved_on;      /* signalled when a turn has ended */
};

extern void claims_init (struct claims *c);
extern void claims_destroy (struct claims *c);

/* Put a claim on a slot on the list.  The caller owns the claim. */
static inline void
claim_take (struct claims *c, struct claim *claim, uint64_t slot)
{
  *claim = (struct claim) { .slot = slot, .next = c->first };
  c->first = claim;
}

/* Take a claim off the list.  Return whether it was unbroken. */
extern bool claim_drop (struct claims *c, struct claim *claim);

extern void claims_break_list (struct claims *c, uint64_t from,
                               uint64_t to);

/* Break all claims on the slots [from, to), because they have changed. */
static inline void
claims_break (struct claims *c, uint64_t from, uint64_t to)
{
  if (c->first)
    claims_break_list (c, from, to);
}

/* Wait for a turn on a slot.  The lock is released while waiting. */
extern void turn_take (struct claims *c, struct turn *turn, uint64_t slot,
                       pthread_mutex_t *lock);

/* End a turn.  turn_end also accepts a turn that was never taken. */
extern void turn_leave (struct claims *c, struct turn *turn);
static inline void
turn_end (struct claims *c, struct turn *turn)
{
  if (turn->queued)
    turn_leave (c, turn);
}

/* Return the first slot of [from, to) that a thread has a turn on, or `to'. */
extern uint64_t turn_next (const struct claims *c, uint64_t from,
                           uint64_t to);

/* Take a turn on a slot if another thread has one.  Call it before writing the
 * slot.
 */
static inline void
turn_respect (struct claims *c, struct turn *turn, uint64_t slot,
              pthread_mutex_t *lock)
{
  turn->queued = false;
  if (c->queue && turn_next (c, slot, slot + 1) == slot)
    turn_take (c, turn, slot, lock);
}

#endif /* ZRAM_CLAIM_H */
