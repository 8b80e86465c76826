/* nbdkit-zram: the page table: slot -> where its page is stored.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It has three levels: a flat root, and below it nodes of 64 entries from
 * a pool, so that scattered writes to a huge disk touch little memory.  At
 * every level an empty entry, which is a hole or allocated zeroes, stands
 * for all slots beneath it.  So a fresh disk has no nodes, and zeroing a TiB
 * writes a few thousand words.  A node whose 64 entries have all become the
 * same empty entry is folded into its parent.
 *
 * Slots are counted within the shard.  Not thread-safe: used under the
 * shard's lock.
 */

#ifndef ZRAM_TABLE_H
#define ZRAM_TABLE_H

#include <stdint.h>

#include "account.h"
#include "layout.h"
#include "pool.h"

#define NODE_SHIFT 6
#define NODE_ENTRIES (1u << NODE_SHIFT)
#define TABLE_LEVELS 3
#define ROOT_SLOTS (1u << (2 * NODE_SHIFT))     /* slots of a root entry */

/* The times of the last access to each slot that a table can keep. */
#define AGES_SECONDS 1u         /* seconds since boot: four bytes a slot */
#define AGES_EPOCHS 2u          /* the epoch of the table: a byte a slot */

/* Epochs are counted modulo 256.  So table_walk holds an age at AGE_HELD, and
 * must do so before the age passes AGE_MAX.
 */
#define AGE_HELD 200u
#define AGE_MAX 255u

/* The marks of a slot, a bit each.  Upkeep marks a page as tended, or tended
 * cold, when there is nothing more to do for it until it is written.
 */
enum mark {
  MARK_IDLE, MARK_INCOMPRESSIBLE, MARK_TENDED, MARK_TENDED_COLD, MARKS
};
struct marks {
  uint64_t bits[MARKS];
};

struct table {
  uint64_t nslots;
  uint64_t nroots;
  uint32_t *root;
  struct pool nodes;
  /* More about the slots of each leaf, by the id of its node: marks, then
   * seconds and epochs, if they are kept.
   */
  char *beside;
  uint64_t nbeside;             /* nodes that it has room for */
  unsigned ages_kept;           /* AGES_ */
  uint8_t epoch;                /* the present one */
  uint64_t marked[MARKS];       /* bits set, of each mark: usually none */
  uint64_t cursor, moved;       /* of compaction: the next slot to look at, and
                                   the nodes moved in this pass */
};

/* Make a table of nslots holes; nslots may be 0.  ages_kept: AGES_, or 0.
 * -ENOMEM.
 */
extern int table_init (struct table *t, uint64_t nslots, unsigned ages_kept,
                       struct account *account);
extern void table_destroy (struct table *t);

/* Change the number of slots.  New slots are holes; slots that are removed
 * must be holes.  On -ENOSPC or -ENOMEM the table works as before.
 */
extern int table_resize (struct table *t, uint64_t nslots);

/* Return the entry of a slot. */
extern uint32_t table_get (const struct table *t, uint64_t slot);

/* Make sure that table_set on this slot cannot fail.  0, -ENOSPC or -ENOMEM.
 * If table_set is not called after all, table_fold removes the new nodes.
 */
extern int table_prepare (struct table *t, uint64_t slot);

/* Set a slot that was prepared, or whose entry is not empty. */
extern void table_set (struct table *t, uint64_t slot, uint32_t entry);

/* Mark a slot whose entry is not empty, or take the mark off. */
extern void table_mark (struct table *t, uint64_t slot, enum mark mark,
                        bool on);
extern bool table_is_marked (const struct table *t, uint64_t slot,
                             enum mark mark);

/* Return the address of the time, or of the epoch, when a slot was accessed,
 * to be read or set.  Its entry must not be empty.  NULL: it is not kept.
 */
extern uint32_t *table_age (const struct table *t, uint64_t slot);
extern uint8_t *table_epoch (const struct table *t, uint64_t slot);

/* Note that a slot is accessed now.  Its entry must not be empty, or be
 * prepared.
 */
extern void table_touch (struct table *t, uint64_t slot);

/* Return how many epochs ago a slot was accessed.  Its entry must not be
 * empty.
 */
static inline unsigned
table_epochs_ago (const struct table *t, uint64_t slot)
{
  return (uint8_t) (t->epoch - *table_epoch (t, slot));
}

/* A leaf, as a walk sees it. */
struct leaf {
  uint64_t slot;                /* the first */
  const uint32_t *entries;      /* those beyond the table mean nothing */
  const uint8_t *epochs;
  const struct marks *marks;
};

/* Hold the ages of the leaf that begins at this slot, and describe the leaf;
 * set *found to false if there is none.  Return the slot to go on with.  The
 * table must keep epochs.
 */
extern uint64_t table_walk (struct table *t, uint64_t slot,
                            struct leaf *leaf, bool *found);

/* Return how many bytes lie beside a node. */
static inline size_t
table_beside (const struct table *t)
{
  return sizeof (struct marks) + NODE_ENTRIES *
    ((t->ages_kept & AGES_SECONDS ? sizeof (uint32_t) : 0) +
     (t->ages_kept & AGES_EPOCHS ? 1 : 0));
}

/* Return the marks beside a node. */
static inline struct marks *
table_marks (const struct table *t, uint32_t node)
{
  return (void *) (t->beside + node * table_beside (t));
}

/* Return the id of a slot's leaf.  Its entry must not be empty, or be
 * prepared.
 */
extern uint32_t table_leaf (const struct table *t, uint64_t slot);

/* Fold the nodes above a slot whose 64 entries are all the same. */
extern void table_fold (struct table *t, uint64_t slot);

/* Write the entry of a slot to *entry.  Return how many slots, from this one
 * on but before `end', have the same entry as far as one step can tell.  That
 * is 1 for a slot that holds something.  For an empty entry it is as many
 * slots as one entry of the table stands for: call again for more.
 */
extern uint64_t table_run (const struct table *t, uint64_t slot,
                           uint64_t end, uint32_t *entry);

/* Set slots [slot, end), all or part of a run that table_run found empty, to
 * an empty entry.  Return how many slots were set: all, and *error is 0; or
 * fewer, and *error is -ENOSPC or -ENOMEM.
 */
extern uint64_t table_set_run (struct table *t, uint64_t slot, uint64_t end,
                               uint32_t entry, int *error);

/* Return whether the nodes hold more memory than they need, by more than a
 * share of it.  There are few nodes, so the share is much larger than the
 * arena's for the same per_mille: a half for COMPACT_BUSY.
 */
#define TABLE_SHARE 30
#define TABLE_SLACK 2           /* blocks that do not count: the last, and one
                                   that is lent to the reserve */
static inline bool
table_wants_compaction (const struct table *t, unsigned per_mille)
{
  const struct pool *pool = &t->nodes;
  uint64_t blocks = pool->resident - pool->nhot;

  return blocks * pool->block_units >
    pool->used + pool->used * per_mille / TABLE_SHARE +
    TABLE_SLACK * pool->block_units;
}

/* Move some nodes, so that they share pages.  False if a whole pass found
 * nothing to move.
 */
extern bool table_compact_step (struct table *t);

/* Return how many nodes can be reached from the root, and write to marked
 * how many slots of their leaves have each mark.  For checks.
 */
extern uint64_t table_count_nodes (const struct table *t,
                                   uint64_t marked[MARKS]);

#endif /* ZRAM_TABLE_H */
