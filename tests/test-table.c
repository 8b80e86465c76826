/* nbdkit-zram: the page table at the boundaries of its nodes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Against an array, for sizes on both sides of a leaf and of a root
 * entry.  After every operation the number of nodes must be the least
 * that the array can be said with: what can be folded is folded.  The
 * table of the largest disk is looked at where its levels meet.
 */

#include <config.h>

#include <errno.h>

#include "table.h"
#include "testlib.h"

#define SLOTS_MAX (3 * ROOT_SLOTS + 100)

static struct table table;
static struct account account;
static uint32_t model[SLOTS_MAX];
static uint64_t nslots;
static uint64_t dummies;        /* nodes taken by the test itself */

static uint64_t
count_nodes (void)
{
  uint64_t marked[MARKS], n = table_count_nodes (&table, marked);

  CHECK (memcmp (marked, table.marked, sizeof marked) == 0);
  return n;
}

static void
start (uint64_t n)
{
  memset (&account, 0, sizeof account);
  memset (model, 0, sizeof model);
  nslots = n;
  dummies = 0;
  CHECK (table_init (&table, n, false, &account) == 0);
  CHECK (table.nroots == (n + ROOT_SLOTS - 1) / ROOT_SLOTS);
  CHECK (count_nodes () == 0);
}

static void
finish (void)
{
  table_destroy (&table);
  CHECK (account.held == 0);
  table_destroy (&table);       /* allowed again */
}

static uint64_t
min (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* Do slots [from, to) of the model need a node to be told apart? */
static bool
is_mixed (uint64_t from, uint64_t to)
{
  uint64_t i;

  if (!entry_is_empty (model[from]))
    return true;
  for (i = from + 1; i < to; ++i)
    if (model[i] != model[from])
      return true;
  return false;
}

static uint64_t
nodes_needed (void)
{
  uint64_t i, n = 0;

  for (i = 0; i < nslots; i += NODE_ENTRIES)
    n += is_mixed (i, min (i + NODE_ENTRIES, nslots));
  for (i = 0; i < nslots; i += ROOT_SLOTS)
    n += is_mixed (i, min (i + ROOT_SLOTS, nslots));
  return n;
}

static void
check_nodes (void)
{
  uint64_t n = nodes_needed ();

  CHECK (count_nodes () == n);
  CHECK (table.nodes.used == n + dummies);
  CHECK (pool_check (&table.nodes) == 0);
}

/* Every slot, alone and in runs; runs must not claim too much. */
static void
verify (void)
{
  uint64_t i, n, k, steps = 0;
  uint32_t entry;

  for (i = 0; i < nslots; ++i)
    CHECK (table_get (&table, i) == model[i]);
  for (i = 0; i < nslots; i += n, ++steps) {
    n = table_run (&table, i, nslots, &entry);
    CHECK (n >= 1 && n <= nslots - i);
    for (k = i; k < i + n; ++k)
      CHECK (model[k] == entry);
    CHECK (n == 1 || entry_is_empty (entry));
  }
  check_nodes ();
}

static void
set (uint64_t slot, uint32_t entry)
{
  CHECK (table_prepare (&table, slot) == 0);
  CHECK (table_get (&table, slot) == model[slot]);
  table_set (&table, slot, entry);
  model[slot] = entry;
}

/* As shard_clear does it: runs of what is empty, the rest one by one. */
static void
clear (uint64_t from, uint64_t to, uint32_t entry)
{
  uint64_t n, k;
  uint32_t old;
  int error = 1;

  for (; from < to; from += n) {
    n = table_run (&table, from, to, &old);
    CHECK (n >= 1 && n <= to - from && old == model[from]);
    if (entry_is_empty (old)) {
      CHECK (table_set_run (&table, from, from + n, entry, &error) == n);
      CHECK (error == 0);
    }
    else
      table_set (&table, from, entry);
    for (k = from; k < from + n; ++k)
      model[k] = entry;
  }
}

static uint32_t
some_entry (uint64_t *rng)
{
  switch (rng_below (rng, 6)) {
  case 0: return ENTRY_HOLE;
  case 1: return ENTRY_ZERO;
  case 2: return entry_make (TAG_OBJECT, 0);
  case 3: return entry_make (TAG_RAW, 0);
  case 4: return entry_make (TAG_AWAY, ID_MAX - 1);
  default: return entry_make (1 + rng_below (rng, 3),
                              (uint32_t) rng_below (rng, ID_MAX));
  }
}

/* A slot near where nodes meet. */
static uint64_t
some_slot (uint64_t *rng)
{
  uint64_t unit = UINT64_C (1) << NODE_SHIFT * rng_below (rng, 3);

  return (rng_below (rng, nslots / unit + 1) * unit +
          rng_below (rng, 5) + nslots - 2) % nslots;
}

static unsigned gathered;       /* times that there was something to do */

static void
test_model (uint64_t *rng)
{
  uint64_t a, b;
  unsigned n;

  for (n = 0; n < 1500; ++n) {
    a = some_slot (rng);
    switch (rng_below (rng, 9)) {
    case 8:
      for (b = 0; b < 10 && table_compact_step (&table); ++b)
        gathered++;             /* a round that moved something */
      verify ();
      break;
    case 0: case 1:
      b = some_slot (rng);
      clear (min (a, b), a + b - min (a, b) + 1, rng_next (rng) & 1);
      break;
    case 2:                     /* prepared in vain */
      CHECK (table_prepare (&table, a) == 0);
      table_fold (&table, a);
      break;
    case 3:                     /* an object goes */
      for (b = a; b < nslots && entry_is_empty (model[b]); ++b)
        ;
      if (b < nslots)
        table_set (&table, b, model[b] = rng_next (rng) & 1);
      break;
    default:
      set (a, some_entry (rng));
    }
    check_nodes ();
    if (n % 100 == 0)
      verify ();
  }
  verify ();
}

/* Every way to come from one empty state to the other leaves no node. */
static void
test_folding (void)
{
  uint64_t i, step;
  uint32_t entry;

  for (entry = 0; entry < 2; ++entry) {
    clear (0, nslots, entry);
    check_nodes ();
    CHECK (table.nodes.used == 0);
    for (i = 0; i < nslots; ++i)        /* one by one, upwards */
      set (i, !entry);
    CHECK (table.nodes.used == 0);
    for (i = nslots; i-- > 0; )
      set (i, entry_make (TAG_OBJECT, (uint32_t) i));
    check_nodes ();
    for (i = nslots; i-- > 0; )         /* and downwards */
      set (i, entry);
    CHECK (table.nodes.used == 0);
    for (step = 1; step <= 100 && step < nslots; step = step * 3 + 1)
      for (i = 0; i < nslots; i += step)
        clear (i, min (i + step, nslots), step & 1);
    clear (0, nslots, ENTRY_HOLE);
    CHECK (table.nodes.used == 0);
  }
}

/* A run over every pair of ends around the places where cells meet, out
 * of a table that says one thing.
 */
static void
test_ends (void)
{
  static const uint64_t marks[] = {
    0, NODE_ENTRIES, 2 * NODE_ENTRIES, ROOT_SLOTS - NODE_ENTRIES,
    ROOT_SLOTS, ROOT_SLOTS + NODE_ENTRIES, 2 * ROOT_SLOTS, SLOTS_MAX,
  };
  uint64_t ends[32], i, k;
  unsigned n = 0;

  for (i = 0; i < sizeof marks / sizeof marks[0]; ++i)
    for (k = 0; k < 3; ++k)
      if (min (marks[i], nslots) + k >= 1 &&
          min (marks[i], nslots) + k - 1 <= nslots)
        ends[n++] = min (marks[i], nslots) + k - 1;
  for (i = 0; i < n; ++i)
    for (k = i + 1; k < n; ++k) {
      if (ends[i] >= ends[k])
        continue;
      clear (ends[i], ends[k], ENTRY_ZERO);
      check_nodes ();
      if ((i + k) % 5 == 0)
        verify ();
      clear (ends[i], ends[k], ENTRY_HOLE);
      CHECK (table.nodes.used == 0);
    }
}

/* Runs that fail for lack of nodes, with 0, 1, 2 of them to be had: what
 * is said to have been set has been, and nothing else.
 */
static uint64_t
test_failure (uint64_t from, uint64_t to, unsigned spare)
{
  uint32_t dummy[64];
  uint64_t n, k;
  unsigned i, count;
  int error = 1;

  /* One block of nodes is there and no other comes. */
  account.limit = table.nodes.block + table.nodes.p.extra;
  for (count = 0; pool_alloc (&table.nodes, &dummy[count]) == 0; ++count)
    ;
  CHECK (count == 16);
  for (i = 0; i < spare; ++i)
    pool_free (&table.nodes, dummy[--count]);
  dummies = count;

  n = table_set_run (&table, from, to, ENTRY_ZERO, &error);
  CHECK (n <= to - from);
  CHECK (error == (n == to - from ? 0 : -ENOSPC));
  for (k = from; k < from + n; ++k)
    model[k] = ENTRY_ZERO;
  verify ();
  if (n < to - from) {
    CHECK (table_prepare (&table, from + n) == -ENOSPC);
    verify ();
  }
  clear (from, from + n, ENTRY_HOLE);
  while (count)
    pool_free (&table.nodes, dummy[--count]);
  dummies = 0;
  account.limit = 0;
  verify ();
  return n;
}

static void
test_failures (void)
{
  unsigned spare, partial = 0;
  uint64_t n;
  int error;

  start (2 * ROOT_SLOTS);
  for (spare = 0; spare < 4; ++spare) {
    /* These need none. */
    CHECK (test_failure (0, ROOT_SLOTS, spare) == ROOT_SLOTS);
    CHECK (test_failure (ROOT_SLOTS, 2 * ROOT_SLOTS, spare) == ROOT_SLOTS);
    test_failure (64, 4096, spare);
    test_failure (1, 4096, spare);
    test_failure (0, 4095, spare);
    test_failure (1, 4095, spare);
    test_failure (100, 101, spare);
    test_failure (ROOT_SLOTS + 63, 2 * ROOT_SLOTS - 64, spare);
  }
  finish ();

  /* It does fail in the middle: two nodes, then one more wanted. */
  start (ROOT_SLOTS);
  account.limit = table.nodes.block + table.nodes.p.extra;
  for (n = 0; n < 14; ++n) {
    uint32_t id;

    CHECK (pool_alloc (&table.nodes, &id) == 0);
  }
  n = table_set_run (&table, 1, 4095, ENTRY_ZERO, &error);
  partial = n > 0 && n < 4094;
  CHECK (partial && error == -ENOSPC && n == 4095 - 64);
  finish ();
}

/* All slots of the largest disk in one table. */
static void
test_largest (void)
{
  const uint64_t n = UINT64_C (1) << 32;
  const uint64_t slots[] = {
    0, 63, 64, 4095, 4096, n / 2 - 1, n / 2, n - 4097, n - 4096, n - 65,
    n - 64, n - 1,
  };
  uint64_t i, k, slot, steps;
  uint32_t entry;
  int error;

  start (n);
  CHECK (table.nodes.p.max_units == n / NODE_ENTRIES + n / ROOT_SLOTS);
  for (i = 0; i < sizeof slots / sizeof slots[0]; ++i) {
    CHECK (table_prepare (&table, slots[i]) == 0);
    table_set (&table, slots[i], entry_make (TAG_OBJECT, (uint32_t) i));
  }
  for (i = 0; i < sizeof slots / sizeof slots[0]; ++i) {
    CHECK (table_get (&table, slots[i]) == entry_make (TAG_OBJECT, i));
    for (k = slots[i] - (slots[i] > 0); k <= slots[i] + 1 && k < n; ++k)
      if (k != slots[i] && k != slots[i ? i - 1 : 0] &&
          k != slots[i + 1 < 12 ? i + 1 : 11])
        CHECK (table_get (&table, k) == ENTRY_HOLE);
  }
  CHECK (count_nodes () == table.nodes.used);
  CHECK (table.nodes.used < 24);

  for (i = 0; i < sizeof slots / sizeof slots[0]; ++i)
    table_set (&table, slots[i], ENTRY_HOLE);
  CHECK (table.nodes.used == 0);
  /* To the end in one step a root entry. */
  for (slot = steps = 0; slot < n; slot += k, ++steps) {
    k = table_run (&table, slot, n, &entry);
    CHECK (entry == ENTRY_HOLE && k == ROOT_SLOTS);
    CHECK (table_set_run (&table, slot, slot + k, ENTRY_ZERO,
                          &error) == k && error == 0);
  }
  CHECK (slot == n && steps == table.nroots);
  CHECK (table_get (&table, n - 1) == ENTRY_ZERO && table.nodes.used == 0);
  finish ();
}

/* Every tag with ids at both ends: nothing runs over. */
static void
test_entries (void)
{
  static const uint32_t ids[] = { 0, 1, 2, ID_MAX / 2, ID_MAX - 1 };
  uint32_t tag, entry;
  unsigned i;

  for (tag = TAG_EMPTY; tag <= TAG_AWAY; ++tag)
    for (i = 0; i < sizeof ids / sizeof ids[0]; ++i) {
      entry = entry_make ((enum tag) tag, ids[i]);
      CHECK (entry_tag (entry) == tag && entry_id (entry) == ids[i]);
      CHECK (entry_is_empty (entry) == (tag == TAG_EMPTY));
      CHECK (entry_is_raw (entry) == (tag == TAG_RAW));
    }
  CHECK (entry_tag (ENTRY_HOLE) == TAG_EMPTY);
  CHECK (entry_tag (ENTRY_ZERO) == TAG_EMPTY);
  CHECK (entry_tag (UINT32_MAX) == TAG_AWAY);
}

int
main (void)
{
  static const uint64_t sizes[] = {
    1, 2, 63, 64, 65, 127, 128, 129, ROOT_SLOTS - 64, ROOT_SLOTS - 1,
    ROOT_SLOTS, ROOT_SLOTS + 1, ROOT_SLOTS + 65, SLOTS_MAX,
  };
  uint64_t rng = env_number ("ZRAM_SEED", 1);
  size_t i;

  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    start (sizes[i]);
    test_model (&rng);
    test_folding ();
    test_ends ();
    finish ();
  }
  printf ("%u times nodes were moved\n", gathered);
  CHECK (gathered > 0);
  test_failures ();
  test_entries ();
  test_largest ();
  return 0;
}
