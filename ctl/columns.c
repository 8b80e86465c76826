/* nbdzramctl: the columns of the table of devices.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One table says all there is to know about a column.  Those of zramctl
 * have zramctl's widths, so that the plain table lies as people know it.
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "columns.h"
#include "message.h"
#include "must.h"
#include "number-text.h"

static const struct column table[] = {
  { "NAME", COLUMN_NAME, "name", 0.25,
    "name of the device, and of its export" },
  { "ALGORITHM", COLUMN_TEXT, "algorithm", 3,
    "codec for data that is written now" },
  { "LEVEL", COLUMN_INTEGER, "level", 3,
    "level of that codec; 0 if it has no levels" },
  { "DISKSIZE", COLUMN_SIZE, "disksize", 5,
    "size of the device" },
  { "PAGE-SIZE", COLUMN_SIZE, "page_size", 3,
    "how much is compressed at once; the unit of PAGES" },
  { "DATA", COLUMN_SIZE, "orig_data_size", 5,
    "data stored, uncompressed; holes are not counted" },
  { "COMPR", COLUMN_SIZE, "compr_data_size", 5,
    "the same data compressed, without overhead" },
  { "TOTAL", COLUMN_SIZE, "mem_used_total", 5,
    "memory held, with all overhead" },
  { "COMP-RATIO", COLUMN_RATIO, NULL, 5,
    "DATA / TOTAL" },
  { "STREAMS", COLUMN_INTEGER, "streams", 3,
    "most pages compressed or decompressed at once" },
  { "PAGES", COLUMN_INTEGER, "pages_stored", 3,
    "pages stored" },
  { "SAME-PAGES", COLUMN_INTEGER, "same_pages", 3,
    "pages of one repeated word, zeroes included; almost no memory" },
  { "ZERO-PAGES", COLUMN_INTEGER, "zero_pages", 3,
    "pages of zeroes, a part of SAME-PAGES; no memory" },
  { "HUGE-PAGES", COLUMN_INTEGER, "huge_pages", 3,
    "pages that do not compress, kept as they are" },
  { "HUGE-SINCE", COLUMN_INTEGER, "huge_pages_since", 3,
    "pages ever written that did not compress" },
  { "SPLIT-PAGES", COLUMN_INTEGER, "split_pages", 3,
    "compressed pages kept in two pieces" },
  { "LATE-PAGES", COLUMN_INTEGER, "late_pages", 3,
    "pages that wait to be compressed" },
  { "LATE-SAVED", COLUMN_INTEGER, "late_saved", 3,
    "pages that never were, because they were overwritten before" },
  { "MEM-LIMIT", COLUMN_SIZE, "mem_limit", 5,
    "limit of TOTAL; 0: no limit" },
  { "MEM-USED", COLUMN_SIZE, "mem_used_total", 5,
    "the same as TOTAL (zramctl shows the peak here)" },
  { "MEM-PEAK", COLUMN_SIZE, "mem_used_max", 5,
    "most memory held so far, or since mem_used_max was set" },
  { "MEM-FREE", COLUMN_SIZE, "memory.free", 5,
    "part of TOTAL that is free for new pages" },
  { "MIGRATED", COLUMN_INTEGER, "objects_moved", 3,
    "compressed pages moved by compaction" },
  { "COMPACTED", COLUMN_INTEGER, "pages_compacted", 3,
    "segments of memory given back by compaction" },
  { "MEM-READY", COLUMN_SIZE, "memory.ready", 5,
    "part of TOTAL that is kept empty for the next writes" },
  { "SWAP", COLUMN_TEXT, "swap", 3,
    "whether it is safe to swap to: off, unsafe or safe" },
  { "CONNECTIONS", COLUMN_INTEGER, "connections", 3,
    "clients connected to the device" },
  { "READS", COLUMN_INTEGER, "reads", 3,
    "requests to read" },
  { "WRITES", COLUMN_INTEGER, "writes", 3,
    "requests to write" },
  { "READ-BYTES", COLUMN_SIZE, "read_bytes", 5,
    "bytes read" },
  { "WRITE-BYTES", COLUMN_SIZE, "write_bytes", 5,
    "bytes written" },
  { "ZEROES", COLUMN_INTEGER, "zeroes", 3,
    "requests to write zeroes" },
  { "TRIMS", COLUMN_INTEGER, "trims", 3,
    "requests to trim" },
  { "NOTIFY-FREE", COLUMN_INTEGER, "notify_free", 3,
    "pages freed by trimming" },
  { "FAILED-READS", COLUMN_INTEGER, "failed_reads", 3,
    "reads that failed" },
  { "FAILED-WRITES", COLUMN_INTEGER, "failed_writes", 3,
    "writes that failed, for example at MEM-LIMIT" },
  { "CORRUPT", COLUMN_INTEGER, "corrupt", 3,
    "pages that could not be decompressed" },
  { "READ-P50", COLUMN_TIME, "latency.read.p50_ns", 5,
    "time in the server that half of the reads did not exceed" },
  { "READ-P99", COLUMN_TIME, "latency.read.p99_ns", 5,
    "time in the server that 99 % of reads did not exceed" },
  { "WRITE-P50", COLUMN_TIME, "latency.write.p50_ns", 5,
    "time in the server that half of the writes did not exceed" },
  { "WRITE-P99", COLUMN_TIME, "latency.write.p99_ns", 5,
    "time in the server that 99 % of writes did not exceed" },
  { "DEVICE", COLUMN_DEVICE, NULL, 5,
    "/dev/nbdN of this machine, if it is attached here" },
  { "MOUNTPOINT", COLUMN_MOUNT, NULL, 0.10,
    "where DEVICE is mounted, or [SWAP]" },
};
#define N_COLUMNS (sizeof table / sizeof table[0])

_Static_assert (N_COLUMNS <= COLUMNS_MAX, "all columns can be chosen");

const char columns_default[] =
  "NAME,ALGORITHM,DISKSIZE,DATA,COMPR,TOTAL,STREAMS,MOUNTPOINT";

static const struct column *
columns_find (const char *name, size_t length)
{
  unsigned i;

  for (i = 0; i < N_COLUMNS; i++)
    if (strlen (table[i].name) == length &&
        strncasecmp (table[i].name, name, length) == 0)
      return &table[i];
  return NULL;
}

/* Add the columns of a list to the n chosen.  Return how many there are then.
 */
static int
columns_add (const char *list, const struct column *chosen[COLUMNS_MAX],
             int n)
{
  while (*list) {
    size_t length = strcspn (list, ",");
    const struct column *c = columns_find (list, length);

    if (!c)
      return fault ("unknown column: %.*s; --help lists them all",
                    (int) length, list);
    if (n == COLUMNS_MAX)
      return fault ("more than %d columns", COLUMNS_MAX);
    chosen[n++] = c;
    list += length;
    list += *list == ',';
  }
  return n;
}

int
columns_choose (const char *list, const struct column *chosen[COLUMNS_MAX])
{
  unsigned i;
  int n = 0;

  if (!list) {
    for (i = 0; i < N_COLUMNS; i++)
      chosen[i] = &table[i];
    return (int) N_COLUMNS;
  }
  if (*list == '+') {
    n = columns_add (columns_default, chosen, 0);
    list++;
  }
  n = columns_add (list, chosen, n);
  return n ? n : fault ("no column is named");
}

bool
column_is_number (const struct column *c, bool bytes)
{
  return c->kind == COLUMN_INTEGER || c->kind == COLUMN_RATIO ||
         (bytes && (c->kind == COLUMN_SIZE || c->kind == COLUMN_TIME));
}

bool
column_is_right (const struct column *c)
{
  return column_is_number (c, true);
}

static char *
columns_number (const struct column *c, device *d, bool bytes)
{
  char text[SIZE_TEXT];
  uint64_t n;

  if (!device_number (d, c->path, &n))
    return NULL;
  if (bytes)
    return must_printf ("%" PRIu64, n);
  return must_copy (c->kind == COLUMN_TIME ? time_text (n, text)
                                           : size_text (n, text));
}

static char *
columns_ratio (device *d)
{
  uint64_t ratio = device_ratio (d);

  return must_printf ("%" PRIu64 ".%04" PRIu64, ratio / 10000,
                      ratio % 10000);
}

static char *
columns_attached (const struct column *c, device *d,
                  const struct attached *attached)
{
  FREED char *name = device_text (d, "name");
  const struct attached *a = attached_by_export (attached, name);

  if (a && c->kind == COLUMN_DEVICE)
    return must_printf ("/dev/%s", a->device);
  return a && a->mountpoint ? must_copy (a->mountpoint) : NULL;
}

char *
column_text (const struct column *c, device *d,
             const struct attached *attached, bool bytes)
{
  int64_t n;

  switch (c->kind) {
  case COLUMN_NAME:
  case COLUMN_TEXT:
    return device_text (d, c->path);
  case COLUMN_INTEGER:
    return device_integer (d, c->path, &n) ? must_printf ("%" PRIi64, n)
                                           : NULL;
  case COLUMN_SIZE:
  case COLUMN_TIME:
    return columns_number (c, d, bytes);
  case COLUMN_RATIO:
    return columns_ratio (d);
  case COLUMN_DEVICE:
  case COLUMN_MOUNT:
    return columns_attached (c, d, attached);
  }
  return NULL;
}

void
columns_help (FILE *fp)
{
  unsigned i;

  for (i = 0; i < N_COLUMNS; i++)
    fprintf (fp, "  %13s  %s\n", table[i].name, table[i].help);
}
