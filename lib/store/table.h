/* nbdkit-zram: the page table: slot -> where its object lives.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Three levels: a flat root, and below it nodes of 64 entries from a
 * pool, so that scattered writes to a huge disk touch little.  At every
 * level an empty entry, a hole or allocated zeroes, speaks for all slots
 * beneath it: a fresh disk has no nodes, zeroing a TiB
 * writes a few thousand words, and a node that has come to say the same
 * thing 64 times is folded into its parent.
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
#define ROOT_SLOTS (1u << (2 * NODE_SHIFT))     /* slots a root entry */

/* When the slots of a leaf were accessed: seconds since boot. */
struct ages {
  uint32_t accessed[NODE_ENTRIES];
};

/* What slots of a leaf are marked as, a bit a slot. */
enum mark { MARK_IDLE, MARK_INCOMPRESSIBLE, MARKS };
struct marks {
  uint64_t bits[MARKS];
};

struct table {
  uint64_t nslots;
  uint64_t nroots;
  uint32_t *root;
  struct pool nodes;
  /* Beside each node, by its id, what is known of a leaf's slots. */
  struct marks *marks;
  struct ages *ages;            /* NULL: not tracked */
  uint64_t nmarks, nages;       /* lengths of these */
  uint64_t marked[MARKS];       /* bits set, of each mark: usually none */
  uint64_t cursor, moved;       /* of compaction: the slot that is next, the
                                   nodes moved this time round */
};

/* A table of holes for so many slots, which may be none.  -ENOMEM. */
extern int table_init (struct table *t, uint64_t nslots, bool track_ages,
                       struct account *account);
extern void table_destroy (struct table *t);

/* Change the number of slots.  Those that come are holes; those that go
 * must be.  -ENOSPC or -ENOMEM, and nothing is changed that shows.
 */
extern int table_resize (struct table *t, uint64_t nslots);

extern uint32_t table_get (const struct table *t, uint64_t slot);

/* Make sure that table_set on this slot cannot fail: 0, -ENOSPC, -ENOMEM.
 * What it made for nothing is folded again by table_fold.
 */
extern int table_prepare (struct table *t, uint64_t slot);

/* Set a slot that was prepared, or whose entry is not empty. */
extern void table_set (struct table *t, uint64_t slot, uint32_t entry);

/* Mark a slot whose entry is not empty, or take the mark off. */
extern void table_mark (struct table *t, uint64_t slot, enum mark mark,
                        bool on);
extern bool table_is_marked (const struct table *t, uint64_t slot,
                             enum mark mark);

/* When a slot whose entry is not empty was accessed, to be read or set.
 * NULL: not tracked.
 */
extern uint32_t *table_age (const struct table *t, uint64_t slot);

/* Fold the nodes above a slot that say one thing. */
extern void table_fold (struct table *t, uint64_t slot);

/* The entry of a slot in *entry, and how many slots from it on, but not
 * beyond end, are known in one step to have the same.  That is 1 for an
 * object, and for an empty entry up to as many as one entry of a level
 * speaks for: call again for more.
 */
extern uint64_t table_run (const struct table *t, uint64_t slot,
                           uint64_t end, uint32_t *entry);

/* Set a run, or a part of one, that table_run found empty, to an empty
 * entry.  How many slots were set: all of them and *error is 0, or fewer
 * and it is -ENOSPC or -ENOMEM.
 */
extern uint64_t table_set_run (struct table *t, uint64_t slot, uint64_t end,
                               uint32_t entry, int *error);

/* Is the memory of nodes larger than they need, by more than a share of
 * it?  There are so few nodes that the share is much larger than that of
 * the arena for the same per_mille: a half for COMPACT_BUSY.
 */
#define TABLE_SHARE 30
#define TABLE_SLACK 2           /* blocks not worth it: the last, and one
                                   on loan to the reserve */
static inline bool
table_wants_compaction (const struct table *t, unsigned per_mille)
{
  const struct pool *pool = &t->nodes;
  uint64_t blocks = pool->resident - pool->nhot;

  return blocks * pool->block_units >
    pool->used + pool->used * per_mille / TABLE_SHARE +
    TABLE_SLACK * pool->block_units;
}

/* Move some nodes to where they share pages.  False: all were looked at,
 * and there was nothing to do.
 */
extern bool table_compact_step (struct table *t);

/* For checks: count the nodes that can be reached, and the marks beside
 * those that are leaves.
 */
extern uint64_t table_count_nodes (const struct table *t,
                                   uint64_t marked[MARKS]);

#endif /* ZRAM_TABLE_H */
