/* nbdkit-zram: the attributes of a disk, those of kernel zram in sysfs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Texts are the kernel's to the last space: programs take them apart by
 * column.
 */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "attr-store.h"
#include "attr.h"
#include "json.h"
#include "statistics.h"
#include "swap-view.h"
#include "upkeep-view.h"

/* The disk. */

static int
attr_show_disksize (const struct device_view *view, struct strbuf *text)
{
  return strbuf_printf (text, "%" PRIu64 "\n", zram_size (view->disk));
}

static int
attr_show_one (const struct device_view *view, struct strbuf *text)
{
  (void) view;
  return strbuf_printf (text, "1\n");
}

/* Algorithms. */

static int
attr_add_algorithms (const char *now, struct strbuf *text)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    strbuf_printf (text, strcmp (info->name, now) == 0 ? "[%s] " : "%s ",
                   info->name);
  return strbuf_add (text, "\n", 1);
}

static int
attr_show_comp_algorithm (const struct device_view *view, struct strbuf *text)
{
  return attr_add_algorithms (zram_algorithm (view->disk), text);
}

static bool
attr_has_levels (const char *name)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    if (strcmp (info->name, name) == 0)
      return info->level_min <= info->level_max;
  return false;
}

/* Those of recompression follow that of new pages. */
static int
attr_show_algorithm_params (const struct device_view *view, struct strbuf *text)
{
  const char *name = zram_algorithm (view->disk);
  int level = zram_level (view->disk);
  unsigned i;

  for (i = 0; i < ZRAM_PRIORITIES; ++i) {
    if (i > 0)
      name = zram_recompression (view->disk, i, &level);
    if (!name)
      continue;
    strbuf_printf (text, "algo=%s", name);
    if (attr_has_levels (name))
      strbuf_printf (text, " level=%d", level);
    if (i > 0)
      strbuf_printf (text, " priority=%u", i);
    strbuf_add (text, "\n", 1);
  }
  return text->error;
}

static int
attr_show_recomp_algorithm (const struct device_view *view,
                            struct strbuf *text)
{
  const char *name;
  unsigned i;
  int level;

  for (i = 1; i < ZRAM_PRIORITIES; ++i) {
    name = zram_recompression (view->disk, i, &level);
    if (!name)
      continue;
    strbuf_printf (text, "#%u: ", i);
    attr_add_algorithms (name, text);
  }
  return text->error;
}

/* Statistics. */

/* Add the columns of a text; one without a statistic is 0. */
static int
attr_columns (const struct device_view *view, enum statistic_text which,
              unsigned columns, struct strbuf *text)
{
  const struct statistic *s;
  struct zram_stats st;
  unsigned i;

  zram_stats (view->disk, &st);
  for (i = 1; i <= columns; i++) {
    s = statistic_at (which, i);
    strbuf_printf (text, "%s", i > 1 ? " " : "");
    if (s)
      strbuf_printf (text, "%8" PRIu64, statistic_value (s, &st));
    else
      strbuf_printf (text, "0");
  }
  return strbuf_printf (text, "\n");
}

static int
attr_show_mm_stat (const struct device_view *view, struct strbuf *text)
{
  return attr_columns (view, STATISTIC_MM_STAT, 9, text);
}

/* The third column, invalid_io, is 0: the server refuses such requests. */
static int
attr_show_io_stat (const struct device_view *view, struct strbuf *text)
{
  return attr_columns (view, STATISTIC_IO_STAT, 4, text);
}

/* The kernel counts requests that waited and trims that gave up.  Neither
 * happens here.
 */
static int
attr_show_debug_stat (const struct device_view *view, struct strbuf *text)
{
  (void) view;
  return strbuf_printf (text, "version: 1\n0 %8d\n", 0);
}

static int
attr_show_max_comp_streams (const struct device_view *view, struct strbuf *text)
{
  return strbuf_printf (text, "%u\n", zram_streams (view->disk));
}

static int
attr_show_zero (const struct device_view *view, struct strbuf *text)
{
  (void) view;
  return strbuf_printf (text, "0\n");
}

/* Safety of swapping. */

static int
attr_show_swap_safe (const struct device_view *view, struct strbuf *text)
{
  struct swap_step step;
  unsigned i;

  strbuf_printf (text, "%s", swap_view_word (view));
  for (i = 0; swap_view_step (view, i, &step); ++i)
    strbuf_printf (text, " %s%s", step.in_force ? "" : "-", step.name);
  return strbuf_add (text, "\n", 1);
}

static int
attr_show_stats_json (const struct device_view *view, struct strbuf *text)
{
  json_device (view, text);
  return strbuf_add (text, "\n", 1);
}

/* block_state */

struct listing {
  struct strbuf *text;
  uint64_t lines;               /* that many more */
};

static int
attr_list_slot (void *opaque, const struct zram_slot *s)
{
  struct listing *l = opaque;

  if (l->lines == 0)
    return 1;
  l->lines--;
  /* The second column stays empty: no page is written back. */
  return strbuf_printf (l->text, "%12" PRIu64 " %12" PRIu64
                        ".%06d %c.%c%c%c%c\n",
                        s->slot, s->accessed, 0,
                        s->flags & ZRAM_SLOT_SAME ? 's' : '.',
                        s->flags & ZRAM_SLOT_HUGE ? 'h' : '.',
                        s->flags & ZRAM_SLOT_IDLE ? 'i' : '.',
                        s->flags & ZRAM_SLOT_RECOMPRESSED ? 'r' : '.',
                        s->flags & ZRAM_SLOT_INCOMPRESSIBLE ? 'n' : '.');
}

static int
attr_list_block_state (struct zram_disk *disk, uint64_t from, uint64_t lines,
                  struct strbuf *text)
{
  struct listing l = { text, lines };

  zram_each_slot (disk, from, attr_list_slot, &l);
  return text->error;
}

/* The table. */

#define RO .mode = 0444
#define RW .mode = 0644
#define WO .mode = 0200

static const struct attr attrs[] = {
  { "disksize", RW, .help = "size of the disk in bytes",
    .values = "SIZE: " ATTR_DISKSIZES, .show = attr_show_disksize,
    .store = attr_store_disksize, .harms_clients = attr_shrinks },
  { "initstate", RO, .help = "1: the disk can be used",
    .show = attr_show_one },
  { "reset", WO, .help = "forget all data",
    .values = "1, or force while clients are connected",
    .busy_hint = "reset force does it nevertheless",
    .store = attr_store_reset, .harms_clients = attr_resets_unasked },
  { "compact", WO, .help = "give back free memory now",
    .values = "1", .optional = true, .store = attr_store_compact },
  { "comp_algorithm", RW, .help = "algorithms, the one in use in brackets",
    .values = "NAME or NAME:LEVEL, such as zstd:3",
    .show = attr_show_comp_algorithm, .store = attr_store_comp_algorithm },
  { "algorithm_params", RW, .help = "algorithms in use and their levels",
    .values = "algo=NAME[:LEVEL] level=N priority=N",
    .show = attr_show_algorithm_params,
    .store = attr_store_algorithm_params },
  { "recomp_algorithm", RW, .help = "algorithms to recompress with",
    .values = "algo=NAME[:LEVEL] priority=N",
    .show = attr_show_recomp_algorithm, .store = attr_store_recomp_algorithm },
  { "recompress", WO, .help = "recompress pages",
    .values = "type=TYPE threshold=BYTES max_pages=N algo=NAME priority=N",
    .optional = true,
    .store = attr_store_recompress },
  { "max_comp_streams", RO,
    .help = "most pages compressed or decompressed at once",
    .show = attr_show_max_comp_streams },
  { "mem_limit", RW, .help = "most memory to hold, in bytes; 0: no limit",
    .values = "SIZE, 1% to 100% of the RAM, or 0 for no limit",
    .store = attr_store_mem_limit },
  { "mem_used_total", RO, .help = "memory held, in bytes" },
  { "mem_used_max", RW, .help = "most memory ever held, in bytes",
    .values = "0: start again from what is held now",
    .store = attr_store_mem_used_max },
  { "orig_data_size", RO, .help = "data stored, in bytes before compression" },
  { "compr_data_size", RO, .help = "data stored, in bytes after compression" },
  { "zero_pages", RO, .help = "pages stored that hold only zeroes" },
  { "num_reads", RO, .help = "read requests" },
  { "num_writes", RO, .help = "write requests" },
  { "failed_reads", RO, .help = "read requests that failed" },
  { "failed_writes", RO, .help = "write requests that failed" },
  { "invalid_io", RO, .help = "always 0: the server refuses such requests",
    .show = attr_show_zero },
  { "notify_free", RO, .help = "pages freed by trimming" },
  { "mm_stat", RO, .help = "memory: nine columns", .show = attr_show_mm_stat },
  { "io_stat", RO, .help = "failures and trims: four columns",
    .show = attr_show_io_stat },
  { "debug_stat", RO, .help = "version of the format",
    .show = attr_show_debug_stat },
  { "idle", WO, .help = "mark pages idle",
    .values = "all, or SECONDS: pages not accessed for longer",
    .store = attr_store_idle },
  { "block_state", RO, .help = "each stored page and what it is",
    .list = attr_list_block_state },
  { "swap_safe", RO, .help = "off, unsafe or safe; and the steps in force",
    .show = attr_show_swap_safe },
  { "upkeep", RO, .help = "what upkeep does now, did last, and has gained",
    .show = upkeep_view_show },
  { "stats.json", RO, .help = "all counters, as JSON",
    .show = attr_show_stats_json },
};
#define NATTRS (sizeof attrs / sizeof attrs[0])

const struct attr *
attr_get (unsigned n)
{
  return n < NATTRS ? &attrs[n] : NULL;
}

const struct attr *
attr_find_n (const char *name, size_t len)
{
  size_t i;

  for (i = 0; i < NATTRS; ++i)
    if (strlen (attrs[i].name) == len && memcmp (attrs[i].name, name, len) == 0)
      return &attrs[i];
  return NULL;
}

const struct attr *
attr_find (const char *name)
{
  return attr_find_n (name, strlen (name));
}

static int
attr_show_statistic (const struct attr *a, const struct device_view *view,
                     struct strbuf *text)
{
  struct zram_stats st;

  zram_stats (view->disk, &st);
  return strbuf_printf (text, "%" PRIu64 "\n",
                        statistic_value (statistic_of_attr (a->name), &st));
}

int
attr_show (const struct attr *a, const struct device_view *view,
           struct strbuf *text)
{
  if (a->list)
    return a->list (view->disk, 0, UINT64_MAX, text);
  if (a->show)
    return a->show (view, text);
  return attr_show_statistic (a, view, text);
}
