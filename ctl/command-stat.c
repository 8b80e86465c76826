/* nbdzramctl: `stat', all about devices, for people.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "commands.h"
#include "device-memory.h"
#include "device-name.h"
#include "device-operations.h"
#include "device-swap.h"
#include "escape.h"
#include "message.h"
#include "must.h"
#include "number-text.h"

/* Write the size that a path in the device's JSON names. */
static const char *
stat_size (const struct options *o, device *d, const char *path,
           char text[SIZE_TEXT])
{
  return size_or_bytes (device_count (d, path), o->bytes, text);
}

static void
stat_title (const struct options *o, device *d, const char *name)
{
  FREED char *algorithm = device_text (d, "algorithm");
  char size[SIZE_TEXT], page[SIZE_TEXT];
  int64_t level = 0;

  device_integer (d, "level", &level);
  printf ("%s: %s, %s level %" PRIi64 ", in pages of %s\n", name,
          stat_size (o, d, "disksize", size), algorithm ? algorithm : "?",
          level, stat_size (o, d, "page_size", page));
  printf ("  %-12s %" PRIu64 "; %" PRIu64 " streams\n", "connections",
          device_count (d, "connections"), device_count (d, "streams"));
}

static void
stat_attached (const struct attached *a)
{
  FREED char *where = text_escape (a->mountpoint ? a->mountpoint
                                                 : "not mounted");

  printf ("  %-12s /dev/%s, %s\n", "attached", a->device, where);
}

static void
stat_data (const struct options *o, device *d)
{
  char size[SIZE_TEXT];

  printf ("  %-12s %s in %" PRIu64 " pages: %" PRIu64 " of zeroes, %" PRIu64
          " of another word, %" PRIu64 " raw\n", "data",
          stat_size (o, d, "orig_data_size", size),
          device_count (d, "pages_stored"), device_count (d, "zero_pages"),
          device_same_not_zero (d), device_count (d, "huge_pages"));
  printf ("  %-12s %s\n", "compressed",
          stat_size (o, d, "compr_data_size", size));
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
stat_memory_kinds (const struct options *o, device *d)
{
  struct memory_kind kinds[MEMORY_KINDS];
  char size[SIZE_TEXT];
  unsigned i;

  memory_kinds (d, kinds);
  for (i = 0; i < MEMORY_KINDS; i++)
    printf ("    %-12s %10s  %s\n", kinds[i].name,
            size_or_bytes (kinds[i].bytes, o->bytes, size), kinds[i].help);
}

static void
stat_late (device *d)
{
  printf ("  %-12s %" PRIu64 " pages wait to be compressed; %" PRIu64
          " never were\n", "late", device_count (d, "late_pages"),
          device_count (d, "late_saved"));
}

static void
stat_memory (const struct options *o, device *d)
{
  bool limit = device_count (d, "mem_limit");
  FREED char *ratio = stat_ratio (o, d);
  char size[SIZE_TEXT], peak[SIZE_TEXT], most[SIZE_TEXT];

  printf ("  %-12s %s, ratio %s; peak %s, %s%s\n", "memory",
          stat_size (o, d, "mem_used_total", size), ratio ? ratio : "?",
          stat_size (o, d, "mem_used_max", peak),
          limit ? "limit " : "no limit",
          limit ? stat_size (o, d, "mem_limit", most) : "");
  stat_memory_kinds (o, d);
}

static void
stat_codec (void *opaque, const char *name, device *counts)
{
  char size[SIZE_TEXT];

  printf ("    %-12s %10s  in %" PRIu64 " pages%s%s\n", name,
          stat_size (opaque, counts, "bytes", size),
          device_count (counts, "pages"),
          device_is (counts, "dictionary") ? ", with a dictionary" : "",
          device_count (counts, "priority") ? ", recompressed" : "");
}

/* Print how recompression fares, if there was any. */
static void
stat_recompression (const struct options *o, device *d)
{
  char size[SIZE_TEXT];

  if (device_count (d, "recompress_tried") == 0)
    return;
  printf ("  %-12s %" PRIu64 " pages now, %" PRIu64 " incompressible; %" PRIu64
          " of %" PRIu64 " tried became smaller, by %s\n", "recompressed",
          device_count (d, "recompressed_pages"),
          device_count (d, "incompressible_pages"),
          device_count (d, "recompress_done"),
          device_count (d, "recompress_tried"),
          stat_size (o, d, "recompress_gained", size));
}

static void
stat_dictionary (const struct options *o, device *d)
{
  FREED char *says = device_text (d, "dictionary");
  uint64_t n = device_count (d, "dictionaries");
  uint64_t trained = device_count (d, "dictionary_trainings");
  uint64_t gain = device_count (d, "dictionary_gain");
  char size[SIZE_TEXT];

  printf ("  %-12s %s", "dictionary", says ? says : "?");
  if (n)
    printf ("; %" PRIu64 " of %s", n,
            stat_size (o, d, "dictionary_bytes", size));
  if (trained)
    printf ("; %" PRIu64 " trained, the last one tried saves %" PRIu64 ".%"
            PRIu64 "%%", trained, gain / 10, gain % 10);
  putchar ('\n');
}

static void
stat_operation (const struct options *o, device *d, const struct operation *op)
{
  static const char *const members[] = {
    "mean_ns", "p50_ns", "p99_ns", "p999_ns"
  };
  uint64_t count = device_count (d, op->count);
  char text[SIZE_TEXT];
  unsigned i;

  printf ("    %-8s %10" PRIu64 " %9s", op->name, count,
          op->bytes ? stat_size (o, d, op->bytes, text) : "");
  for (i = 0; i < 4; i++)
    printf (" %9s", !count ? "-"
            : time_or_ns (operation_latency (d, op, members[i]), o->bytes,
                          text));
  putchar ('\n');
}

static void
stat_requests (const struct options *o, device *d)
{
  unsigned i;

  printf ("  %-10s %10s %9s %9s %9s %9s %9s\n", "requests", "count",
          "bytes", "mean", "p50", "p99", "p99.9");
  for (i = 0; i < OPERATIONS; i++)
    stat_operation (o, d, &operations[i]);
  printf ("  %-12s %" PRIu64 " reads, %" PRIu64 " writes; %" PRIu64
          " pages corrupt\n", "failed", device_count (d, "failed_reads"),
          device_count (d, "failed_writes"), device_count (d, "corrupt"));
}

static void
stat_device (const struct options *o, device *d,
             const struct attached *attached)
{
  FREED char *name = device_text (d, "name");
  FREED char *swap = device_swap_line (d, o->bytes);
  FREED char *upkeep = device_text (d, "upkeep.now");
  const struct attached *a = attached_by_export (attached, name);

  stat_title (o, d, name);
  if (a)
    stat_attached (a);
  stat_data (o, d);
  device_each_coding (d, stat_codec, (void *) o);
  stat_late (d);
  stat_recompression (o, d);
  stat_memory (o, d);
  stat_dictionary (o, d);
  if (upkeep)
    printf ("  %-12s %s\n", "upkeep", upkeep);
  printf ("  %-12s %s\n", "swap", swap);
  stat_requests (o, d);
}

/* Print a device as the server's own JSON. */
static void
stat_json (device *d)
{
  FREED char *text = device_json (d);

  text_put (stdout, text, strlen (text));
}

/* Print the i-th device. */
static void
stat_one (const struct options *o, device *d, const struct attached *attached,
          unsigned i)
{
  if (i > 0)
    puts (o->json ? "," : "");
  if (o->json)
    stat_json (d);
  else
    stat_device (o, d, attached);
}

/* Print the devices named, or all.  All names are checked before anything is
 * printed.
 */
static int
stat_all (const struct options *o, const struct server *s,
          const struct attached *attached, int argc, char **argv)
{
  unsigned i, n = argc ? (unsigned) argc : s->n;

  for (i = 0; i < n; i++)
    if (!device_name_nth (s, attached, argc, argv, i))
      return -1;
  if (o->json)
    puts ("{ \"devices\": [");
  for (i = 0; i < n; i++)
    stat_one (o, device_name_nth (s, attached, argc, argv, i), attached, i);
  if (o->json)
    puts ("\n] }");
  return 0;
}

int
command_stat (const struct options *o, int argc, char **argv)
{
  FREED_BY (server_free) struct server s;
  struct attached *attached;
  int r;

  if (server_load (o->uri, &s) < 0)
    return failed ();
  attached = attached_load (o->uri);
  r = stat_all (o, &s, attached, argc, argv);
  attached_free (attached);
  return r < 0 ? failed () : EXIT_OK;
}
