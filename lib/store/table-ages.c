/* nbdkit-zram: the page table: when slots were accessed.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * An epoch is as long as upkeep makes it: a byte is exact
 * enough to tell what is idle, and so small that every disk can have it.
 * Most accesses find the byte as it should be and write nothing.
 */

#include <config.h>

#include <time.h>

#include "table.h"

static uint32_t *
ages_seconds (const struct table *t, uint32_t leaf)
{
  return t->ages_kept & AGES_SECONDS ? (void *) (table_marks (t, leaf) + 1)
    : NULL;
}

static uint8_t *
ages_epochs (const struct table *t, uint32_t leaf)
{
  return t->ages_kept & AGES_EPOCHS
    ? (uint8_t *) table_marks (t, leaf) + table_beside (t) - NODE_ENTRIES
    : NULL;
}

uint32_t *
table_age (const struct table *t, uint64_t slot)
{
  return t->ages_kept & AGES_SECONDS
    ? ages_seconds (t, table_leaf (t, slot)) + slot % NODE_ENTRIES : NULL;
}

uint8_t *
table_epoch (const struct table *t, uint64_t slot)
{
  return t->ages_kept & AGES_EPOCHS
    ? ages_epochs (t, table_leaf (t, slot)) + slot % NODE_ENTRIES : NULL;
}

void
table_touch (struct table *t, uint64_t slot)
{
  uint32_t leaf = table_leaf (t, slot), *seconds = ages_seconds (t, leaf);
  uint8_t *epochs = ages_epochs (t, leaf);
  struct timespec now;

  slot %= NODE_ENTRIES;
  if (epochs && epochs[slot] != t->epoch)
    epochs[slot] = t->epoch;
  if (seconds) {
    clock_gettime (CLOCK_BOOTTIME, &now);
    seconds[slot] = (uint32_t) now.tv_sec;
  }
}

static void
ages_hold (uint8_t *epochs, uint8_t now)
{
  unsigned i;

  for (i = 0; i < NODE_ENTRIES; ++i)
    if ((uint8_t) (now - epochs[i]) > AGE_HELD)
      epochs[i] = (uint8_t) (now - AGE_HELD);
}

uint64_t
table_walk (struct table *t, uint64_t slot, struct leaf *leaf, bool *found)
{
  uint32_t entry, id;
  uint64_t n = table_run (t, slot, UINT64_MAX, &entry);
  uint8_t *epochs;

  *found = n == 1;              /* else all of a leaf, or of more, is empty */
  if (!*found)
    return slot + n;
  id = table_leaf (t, slot);
  epochs = ages_epochs (t, id);
  ages_hold (epochs, t->epoch);
  *leaf = (struct leaf) {
    .slot = slot, .entries = pool_at (&t->nodes, id), .epochs = epochs,
    .marks = table_marks (t, id),
  };
  return slot + NODE_ENTRIES;
}
