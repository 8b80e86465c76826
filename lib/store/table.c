/* nbdkit-zram: the page table: slot -> where its object lives.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Levels are numbered from the leaves: an entry of level 0 speaks for one
 * slot, of level 1 for 64, of level 2 (the root) for 4096.
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "invariant.h"
#include "os.h"
#include "table.h"

#define TOP (TABLE_LEVELS - 1)

/* Tables with no larger roots are checked whole, in a build that does so. */
#define CHECK_MAX 1024

static uint64_t
table_min (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

#define SLOTS_MAX (ZRAM_SIZE_MAX / ZRAM_PAGE_MIN)
_Static_assert (SLOTS_MAX / NODE_ENTRIES + SLOTS_MAX / ROOT_SLOTS <= ID_MAX,
                "ids for the nodes of the largest disk");

/* At least one, so that no array is empty where there are no slots. */
static uint64_t
table_roots_for (uint64_t nslots)
{
  return nslots ? (nslots + ROOT_SLOTS - 1) / ROOT_SLOTS : 1;
}

/* Leaves, and a node above them for each root entry. */
static uint64_t
table_nodes_for (uint64_t nslots)
{
  return table_roots_for (nslots) +
    ((nslots + NODE_ENTRIES - 1) >> NODE_SHIFT);
}

static void
table_free_arrays (struct table *t)
{
  os_free (t->root, t->nroots * sizeof *t->root);
  os_free (t->beside, t->nbeside * table_beside (t));
  t->root = NULL;
}

static int
table_grow_beside (struct table *t, uint64_t n)
{
  size_t bytes = table_beside (t);
  char *beside;

  if (n <= t->nbeside)
    return 0;
  beside = os_grow (t->beside, t->nbeside * bytes, n * bytes);
  if (!beside)
    return -ENOMEM;
  t->beside = beside;
  t->nbeside = n;
  pool_set_beside (&t->nodes, beside, bytes);
  return 0;
}

int
table_init (struct table *t, uint64_t nslots, unsigned ages_kept,
            struct account *account)
{
  struct pool_params params = {
    .unit = NODE_ENTRIES * sizeof (uint32_t),
    .hot_max = 1,
    .kind = ACCOUNT_TABLE,
  };

  *t = (struct table) { .nslots = nslots, .ages_kept = ages_kept };
  t->nroots = table_roots_for (nslots);
  params.max_units = table_nodes_for (nslots);
  t->nbeside = params.max_units + NODE_ENTRIES;
  t->root = os_alloc (t->nroots * sizeof *t->root);
  t->beside = os_alloc (t->nbeside * table_beside (t));
  params.extra = OS_PAGE / params.unit * table_beside (t);
  if (!t->root || !t->beside ||
      pool_init (&t->nodes, &params, account) < 0) {
    table_free_arrays (t);
    return -ENOMEM;
  }
  pool_set_beside (&t->nodes, t->beside, table_beside (t));
  return 0;
}

void
table_destroy (struct table *t)
{
  if (!t->root)
    return;
  pool_destroy (&t->nodes);
  table_free_arrays (t);
}

static uint32_t *
table_node_at (const struct table *t, uint32_t entry)
{
  return pool_at (&t->nodes, entry_id (entry));
}

static unsigned
table_level_shift (unsigned level)
{
  return level * NODE_SHIFT;
}

/* The cell of a level that speaks for slot, which must exist. */
static uint32_t *
table_cell_at (const struct table *t, uint64_t slot, unsigned level)
{
  uint32_t *cell = &t->root[slot >> table_level_shift (TOP)];
  unsigned l;

  for (l = TOP; l > level; --l)
    cell = &table_node_at (t, *cell)[slot >> table_level_shift (l - 1) &
                               (NODE_ENTRIES - 1)];
  return cell;
}

/* The lowest cell that speaks for slot, and its level. */
static uint32_t *
table_cell_lowest (const struct table *t, uint64_t slot, unsigned *level)
{
  uint32_t *cell = &t->root[slot >> table_level_shift (TOP)];
  unsigned l;

  for (l = TOP; l > 0 && !entry_is_empty (*cell); --l)
    cell = &table_node_at (t, *cell)[slot >> table_level_shift (l - 1) &
                               (NODE_ENTRIES - 1)];
  *level = l;
  return cell;
}

uint32_t
table_get (const struct table *t, uint64_t slot)
{
  unsigned level;

  return *table_cell_lowest (t, slot, &level);
}

/* Put a node that says the same under a cell that spoke for 64. */
static int
table_cell_expand (struct table *t, uint32_t *cell)
{
  uint32_t id, *node, i;
  int r;

  r = pool_alloc (&t->nodes, &id);
  if (r < 0)
    return r;
  node = pool_at (&t->nodes, id);
  for (i = 0; i < NODE_ENTRIES; ++i)
    node[i] = *cell;
  memset (table_marks (t, id), 0, sizeof (struct marks));
  *cell = entry_make (TAG_NODE, id);
  return 0;
}

/* Make the cell of a level that speaks for slot exist. */
static int
table_cell_make (struct table *t, uint64_t slot, unsigned level)
{
  uint32_t *cell;
  unsigned l;
  int r;

  for (cell = table_cell_lowest (t, slot, &l); l > level; --l) {
    r = table_cell_expand (t, cell);
    if (r < 0)
      return r;
    cell = table_cell_at (t, slot, l - 1);
  }
  return 0;
}

int
table_prepare (struct table *t, uint64_t slot)
{
  int r = table_cell_make (t, slot, 0);

  if (r < 0)
    table_fold (t, slot);
  return r;
}

void
table_set (struct table *t, uint64_t slot, uint32_t entry)
{
  unsigned level;
  uint32_t *cell = table_cell_lowest (t, slot, &level);

  CHEAP (I6, level == 0);
  *cell = entry;
  if (entry_is_empty (entry))
    table_fold (t, slot);
}

/* The word that has the mark of a slot, and its bit there. */
static uint64_t *
table_mark_word (const struct table *t, uint64_t slot, enum mark mark,
                 uint64_t *bit)
{
  *bit = UINT64_C (1) << slot % NODE_ENTRIES;
  return &table_marks (t, table_leaf (t, slot))->bits[mark];
}

void
table_mark (struct table *t, uint64_t slot, enum mark mark, bool on)
{
  uint64_t bit, *word = table_mark_word (t, slot, mark, &bit);

  if (on && !(*word & bit))
    t->marked[mark]++;
  else if (!on && (*word & bit))
    t->marked[mark]--;
  *word = on ? *word | bit : *word & ~bit;
}

bool
table_is_marked (const struct table *t, uint64_t slot, enum mark mark)
{
  uint64_t bit, *word = table_mark_word (t, slot, mark, &bit);

  return *word & bit;
}

uint32_t
table_leaf (const struct table *t, uint64_t slot)
{
  return entry_id (*table_cell_at (t, slot, 1));
}

/* Entries beyond the last slot were never set one by one, and do not
 * count.
 */
static bool
table_node_is_uniform (const struct table *t, const uint32_t *node,
                       uint64_t slot, unsigned level)
{
  uint64_t first = slot >> table_level_shift (level + 1) << NODE_SHIFT;
  uint64_t last = (t->nslots - 1) >> table_level_shift (level);
  uint32_t i, n = (uint32_t) table_min (NODE_ENTRIES, last + 1 - first);

  if (!entry_is_empty (node[0]))
    return false;
  for (i = 1; i < n; ++i)
    if (node[i] != node[0])
      return false;
  return true;
}

void
table_fold (struct table *t, uint64_t slot)
{
  uint32_t *above, *node, id;
  uint64_t marked[MARKS];
  unsigned level;

  table_cell_lowest (t, slot, &level);
  for (; level < TOP; ++level) {
    above = table_cell_at (t, slot, level + 1);
    node = table_node_at (t, *above);
    if (!table_node_is_uniform (t, node, slot, level))
      break;
    id = entry_id (*above);
    *above = node[0];           /* freed, it may read as zeroes */
    pool_free (&t->nodes, id);
  }
  FULL_NOW_AND_THEN (I6, t->nroots > CHECK_MAX ||
                     table_count_nodes (t, marked) <= t->nodes.used);
}

uint64_t
table_run (const struct table *t, uint64_t slot, uint64_t end,
           uint32_t *entry)
{
  unsigned level;
  uint64_t span;

  *entry = *table_cell_lowest (t, slot, &level);
  if (!entry_is_empty (*entry))
    return 1;
  span = UINT64_C (1) << table_level_shift (level);
  return table_min (end, (slot & ~(span - 1)) + span) - slot;
}

/* The run lies in one cell.  Write the highest cells beneath it that lie
 * wholly in the run; the end of the disk is as good as the end of a cell.
 */
uint64_t
table_set_run (struct table *t, uint64_t slot, uint64_t end,
               uint32_t entry, int *error)
{
  uint64_t span, start = slot;
  unsigned level, highest;

  *error = 0;
  table_cell_lowest (t, slot, &highest);
  for (; slot < end; slot += span) {
    for (level = highest; level > 0; --level) {
      span = UINT64_C (1) << table_level_shift (level);
      if ((slot & (span - 1)) == 0 &&
          (end == t->nslots || slot + span <= end))
        break;
    }
    span = table_min (end - slot, UINT64_C (1) << table_level_shift (level));
    *error = table_cell_make (t, slot, level);
    if (*error == 0)
      *table_cell_at (t, slot, level) = entry;
    table_fold (t, slot);
    if (*error < 0)
      break;
  }
  return slot - start;
}

/* An entry that spoke for the last slots may have spoken for more, which
 * did not exist: say of those that they are holes.
 */
static int
table_clear_beyond (struct table *t, uint64_t slot)
{
  uint64_t end = (slot + ROOT_SLOTS - 1) / ROOT_SLOTS * ROOT_SLOTS, n;
  uint32_t entry;
  int error = 0;

  if (end > t->nslots)
    end = t->nslots;
  for (; slot < end && error == 0; slot += n) {
    n = table_run (t, slot, end, &entry);
    if (entry != ENTRY_HOLE)
      table_set_run (t, slot, slot + n, ENTRY_HOLE, &error);
  }
  return error;
}

int
table_resize (struct table *t, uint64_t nslots)
{
  uint64_t nroots = table_roots_for (nslots);
  uint64_t old = t->nslots;
  uint32_t *root;
  int r;

  if (nroots > t->nroots) {
    root = os_grow (t->root, t->nroots * sizeof *root,
                    nroots * sizeof *root);
    if (!root)
      return -ENOMEM;
    t->root = root;
    t->nroots = nroots;
  }
  if (table_grow_beside (t, table_nodes_for (nslots) + NODE_ENTRIES) < 0 ||
      pool_grow (&t->nodes, table_nodes_for (nslots)) < 0)
    return -ENOMEM;
  t->nslots = nslots;
  if (nslots > old) {
    r = table_clear_beyond (t, old);
    if (r < 0) {
      t->nslots = old;
      return r;
    }
  }
  else if (nslots)
    table_fold (t, nslots - 1);
  return 0;
}

static uint64_t
table_count_below (const struct table *t, uint32_t entry, unsigned level,
                   uint64_t marked[MARKS])
{
  uint64_t n = 1;
  uint32_t i, *node;
  unsigned mark;

  if (level == 0 || entry_is_empty (entry))
    return 0;
  for (mark = 0; mark < MARKS && level == 1; ++mark)
    marked[mark] += (unsigned) __builtin_popcountll (
      table_marks (t, entry_id (entry))->bits[mark]);
  node = table_node_at (t, entry);
  for (i = 0; i < NODE_ENTRIES; ++i)
    n += table_count_below (t, node[i], level - 1, marked);
  return n;
}

uint64_t
table_count_nodes (const struct table *t, uint64_t marked[MARKS])
{
  uint64_t i, n = 0;

  memset (marked, 0, MARKS * sizeof *marked);
  for (i = 0; i < t->nroots; ++i)
    n += table_count_below (t, t->root[i], TOP, marked);
  return n;
}
