/* nbdkit-zram: the page table: its nodes moved together.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Sixteen nodes share a page of memory.  Where most of a disk is trimmed,
 * one that is left keeps the page of fifteen that are gone.  So a cursor
 * walks over the table, some cells at a time, and what it finds moves to
 * the lowest free place, with its marks and ages: one cell leads to a
 * node, and nothing else knows where it is.  Once round is enough: a node
 * that finds no lower place has all free ones above it.
 */

#include <config.h>

#include <string.h>

#include "table.h"

/* A step moves so many nodes, and looks at so many cells, at most. */
#define STEP_MOVES 16
#define STEP_LOOKS 512

/* Move the node that this cell leads to down, if there is a place in a
 * block before its own.
 */
static bool
table_move_node (struct table *t, uint32_t *cell)
{
  struct pool *pool = &t->nodes;
  size_t bytes = table_beside (t);
  uint32_t from = entry_id (*cell), to;

  if (!pool_has_lower (pool, from) || pool_alloc (pool, &to) < 0)
    return false;
  memcpy (pool_at (pool, to), pool_at (pool, from),
          NODE_ENTRIES * sizeof (uint32_t));
  memcpy (t->beside + to * bytes, t->beside + from * bytes, bytes);
  *cell = entry_make (TAG_NODE, to);
  pool_free (pool, from);
  return true;
}

/* The next cell above a leaf, and at the first of a root entry that one
 * too.  How many nodes were moved.
 */
static unsigned
table_look_at_next (struct table *t)
{
  uint32_t *root = &t->root[t->cursor / ROOT_SLOTS], *cell;
  unsigned moved = 0;

  if (entry_is_empty (*root)) {
    t->cursor = (t->cursor / ROOT_SLOTS + 1) * ROOT_SLOTS;
    return 0;
  }
  if (t->cursor % ROOT_SLOTS == 0)
    moved += table_move_node (t, root);
  cell = pool_at (&t->nodes, entry_id (*root));
  cell += t->cursor / NODE_ENTRIES % NODE_ENTRIES;
  if (!entry_is_empty (*cell))
    moved += table_move_node (t, cell);
  t->cursor += NODE_ENTRIES;
  return moved;
}

bool
table_compact_step (struct table *t)
{
  unsigned moved = 0, looks, n;
  bool more;

  for (looks = 0; looks < STEP_LOOKS && moved < STEP_MOVES; ++looks) {
    if (t->cursor >= t->nslots) {
      more = t->moved > 0;      /* else a whole round was for nothing */
      t->cursor = t->moved = 0;
      return more;
    }
    n = table_look_at_next (t);
    moved += n;
    t->moved += n;
  }
  return true;
}
