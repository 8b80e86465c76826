/* nbdzramctl: what the memory of a device consists of.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * For `stat' and `top', which show the same in different ways.
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "memory.h"

static const struct { const char *name, *path, *help; } table[MEMORY_KINDS] = {
  { "objects", "memory.segments", "compressed pages" },
  { "raw", "memory.raw", "pages that do not compress" },
  { "directories", "memory.directories", "which page is where in a segment" },
  { "free", "memory.free", "room for new pages" },
  { "table", "memory.table", "which page is in which segment" },
  { "codecs", "memory.codecs", "the codecs' workspaces" },
  { "other", "memory.other", "locks, bitmaps, the device itself" },
};

void
memory_kinds (device *d, struct memory_kind kinds[MEMORY_KINDS])
{
  uint64_t inside;
  unsigned i;

  for (i = 0; i < MEMORY_KINDS; i++) {
    kinds[i].name = table[i].name;
    kinds[i].help = table[i].help;
    kinds[i].bytes = device_count (d, table[i].path);
  }
  /* Segments contain their directories and what is free of them. */
  inside = device_count (d, "memory.directories") +
           device_count (d, "memory.free");
  kinds[0].bytes -= inside < kinds[0].bytes ? inside : kinds[0].bytes;
}

const struct operation operations[OPERATIONS] = {
  { "read", "reads", "read_bytes" },
  { "write", "writes", "write_bytes" },
  { "zero", "zeroes", NULL },
  { "trim", "trims", NULL },
};

uint64_t
operation_latency (device *d, const struct operation *op, const char *member)
{
  char *path = must_printf ("latency.%s.%s", op->name, member);
  uint64_t n = device_count (d, path);

  free (path);
  return n;
}
