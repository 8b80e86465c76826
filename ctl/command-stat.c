/* nbdzramctl: `stat', all about devices, for people.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "commands.h"
#include "device-memory.h"
#include "device-name.h"
#include "device-operations.h"
#include "device-swap.h"
#include "escape.h"
#include "message.h"
#include "number-text.h"

static void
stat_title (const struct options *o, device *d,
            const struct attached *attached)
{
  char *name = device_text (d, "name");
  char *algorithm = device_text (d, "algorithm");
  const struct attached *a = attached_by_export (attached, name);
  char size[SIZE_TEXT], page[SIZE_TEXT], *where;
  int64_t level = 0;

  device_integer (d, "level", &level);
  printf ("%s: %s, %s level %" PRIi64 ", in pages of %s\n", name,
          size_or_bytes (device_count (d, "disksize"), o->bytes, size),
          algorithm ? algorithm : "?", level,
          size_or_bytes (device_count (d, "page_size"), o->bytes, page));
  printf ("  %-12s %" PRIu64 "; %" PRIu64 " streams\n", "connections",
          device_count (d, "connections"), device_count (d, "streams"));
  if (a) {
    where = text_escape (a->mountpoint ? a->mountpoint : "not mounted");
    printf ("  %-12s /dev/%s, %s\n", "attached", a->device, where);
    free (where);
  }
  free (name);
  free (algorithm);
}

static void
stat_data (const struct options *o, device *d)
{
  char size[SIZE_TEXT];

  printf ("  %-12s %s in %" PRIu64 " pages: %" PRIu64 " of zeroes, %" PRIu64
          " of another word, %" PRIu64 " raw\n", "data",
          size_or_bytes (device_count (d, "orig_data_size"), o->bytes, size),
          device_count (d, "pages_stored"), device_count (d, "zero_pages"),
          device_same_not_zero (d),
          device_count (d, "huge_pages"));
  printf ("  %-12s %s\n", "compressed",
          size_or_bytes (device_count (d, "compr_data_size"), o->bytes, size));
}

/* Return the ratio as the table has it.  To be freed. */
static char *
stat_ratio (const struct options *o, device *d)
{
  const struct column *c[COLUMNS_MAX];

  return columns_choose ("COMP-RATIO", c) == 1
    ? column_text (c[0], d, NULL, o->bytes) : NULL;
}

static void
stat_memory (const struct options *o, device *d)
{
  struct memory_kind kinds[MEMORY_KINDS];
  uint64_t limit = device_count (d, "mem_limit");
  char *ratio = stat_ratio (o, d);
  char size[SIZE_TEXT], peak[SIZE_TEXT], most[SIZE_TEXT];
  unsigned i;

  printf ("  %-12s %s, ratio %s; peak %s, %s%s\n", "memory",
          size_or_bytes (device_count (d, "mem_used_total"), o->bytes, size),
          ratio ? ratio : "?",
          size_or_bytes (device_count (d, "mem_used_max"), o->bytes, peak),
          limit ? "limit " : "no limit",
          limit ? size_or_bytes (limit, o->bytes, most) : "");
  free (ratio);
  memory_kinds (d, kinds);
  for (i = 0; i < MEMORY_KINDS; i++)
    printf ("    %-12s %10s  %s\n", kinds[i].name,
            size_or_bytes (kinds[i].bytes, o->bytes, size), kinds[i].help);
}

static void
stat_codec (void *opaque, const char *name, device *counts)
{
  const struct options *o = opaque;
  char size[SIZE_TEXT];

  printf ("    %-12s %10s  in %" PRIu64 " pages\n", name,
          size_or_bytes (device_count (counts, "bytes"), o->bytes, size),
          device_count (counts, "pages"));
}

static void
stat_requests (const struct options *o, device *d)
{
  static const char *const members[] = {
    "mean_ns", "p50_ns", "p99_ns", "p999_ns"
  };
  char text[SIZE_TEXT];
  unsigned i, j;

  printf ("  %-10s %10s %9s %9s %9s %9s %9s\n", "requests", "count",
          "bytes", "mean", "p50", "p99", "p99.9");
  for (i = 0; i < OPERATIONS; i++) {
    const struct operation *op = &operations[i];

    printf ("    %-8s %10" PRIu64 " %9s", op->name,
            device_count (d, op->count), !op->bytes ? ""
            : size_or_bytes (device_count (d, op->bytes), o->bytes, text));
    for (j = 0; j < 4; j++)
      printf (" %9s", !device_count (d, op->count) ? "-"
              : time_or_ns (operation_latency (d, op, members[j]), o->bytes,
                            text));
    putchar ('\n');
  }
  printf ("  %-12s %" PRIu64 " reads, %" PRIu64 " writes; %" PRIu64
          " pages corrupt\n", "failed", device_count (d, "failed_reads"),
          device_count (d, "failed_writes"), device_count (d, "corrupt"));
}

static void
stat_device (const struct options *o, device *d,
             const struct attached *attached)
{
  char *swap;

  stat_title (o, d, attached);
  stat_data (o, d);
  device_each_codec (d, stat_codec, (void *) o);
  stat_memory (o, d);
  swap = device_swap_line (d, o->bytes);
  printf ("  %-12s %s\n", "swap", swap);
  free (swap);
  stat_requests (o, d);
}

/* Print a device as the server's own JSON. */
static void
stat_json (device *d, bool first)
{
  char *text = device_json (d);

  if (!first)
    puts (",");
  text_put (stdout, text, strlen (text));
  free (text);
}

int
command_stat (const struct options *o, int argc, char **argv)
{
  unsigned i, n;
  struct attached *attached;
  struct server s;
  int r = 0;

  if (server_load (o->uri, &s) < 0)
    return failed ();
  attached = attached_load (o->uri);
  /* Check all names before anything is printed. */
  for (i = 0; i < (unsigned) argc && r == 0; i++)
    r = device_name_find (&s, attached, argv[i]) ? 0 : -1;
  n = argc ? (unsigned) argc : s.n;
  if (r == 0 && o->json)
    puts ("{ \"devices\": [");
  for (i = 0; i < n && r == 0; i++) {
    device *d = argc ? device_name_find (&s, attached, argv[i])
                     : server_device (&s, i);

    if (o->json)
      stat_json (d, i == 0);
    else {
      if (i > 0)
        putchar ('\n');
      stat_device (o, d, attached);
    }
  }
  if (r == 0 && o->json)
    puts ("\n] }");
  attached_free (attached);
  server_free (&s);
  return r < 0 ? failed () : EXIT_OK;
}
