/* nbdzramctl: what the memory of a device consists of.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * For `stat' and `top', which show the same in different ways.
 */

#include <config.h>

#include <stddef.h>

#include "device-memory.h"

/* The part of a kind that holds nothing yet is shown as "ready". */
static const struct {
  const char *name, *path, *ready, *help;
} table[MEMORY_KINDS] = {
  { "objects", "memory.segments", "memory.ready_segments",
    "compressed pages" },
  { "raw", "memory.raw", "memory.ready_raw", "pages that do not compress" },
  { "directories", "memory.directories", NULL,
    "which page is where in a segment" },
  { "free", "memory.free", NULL, "room for new pages, in segments in use" },
  { "ready", NULL, NULL, "empty, kept for what is written next" },
  { "table", "memory.table", "memory.ready_table",
    "which page is in which segment" },
  { "codecs", "memory.codecs", NULL, "the codecs' workspaces" },
  { "other", "memory.other", NULL, "locks, bitmaps, the device itself" },
};

/* Subtract, but not below 0: figures of different moments may not fit
 * together.
 */
static uint64_t
memory_less (uint64_t whole, uint64_t part)
{
  return whole - (part < whole ? part : whole);
}

void
memory_kinds (device *d, struct memory_kind kinds[MEMORY_KINDS])
{
  uint64_t inside, all_ready = 0;
  unsigned i, ready_kind = 0;

  for (i = 0; i < MEMORY_KINDS; i++) {
    uint64_t bytes = table[i].path ? device_count (d, table[i].path) : 0;
    uint64_t ready = table[i].ready ? device_count (d, table[i].ready) : 0;

    if (ready > bytes)
      ready = bytes;
    all_ready += ready;
    kinds[i].name = table[i].name;
    kinds[i].help = table[i].help;
    kinds[i].bytes = bytes - ready;
    if (!table[i].path)
      ready_kind = i;
  }
  kinds[ready_kind].bytes = all_ready;
  /* Segments include their directories and their free space. */
  inside = device_count (d, "memory.directories") +
           device_count (d, "memory.free");
  kinds[0].bytes = memory_less (kinds[0].bytes, inside);
}

uint64_t
device_same_not_zero (device *d)
{
  return memory_less (device_count (d, "same_pages"),
                      device_count (d, "zero_pages"));
}
