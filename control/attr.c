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
#include "disk.h"

/* The disk. */

static int
show_disksize (const struct device_view *dev, struct strbuf *text)
{
  return strbuf_printf (text, "%" PRIu64 "\n", zram_size (dev->disk));
}

static int
show_one (const struct device_view *dev, struct strbuf *text)
{
  (void) dev;
  return strbuf_printf (text, "1\n");
}

/* Algorithms. */

static int
show_comp_algorithm (const struct device_view *dev, struct strbuf *text)
{
  const char *now = zram_algorithm (dev->disk);
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    strbuf_printf (text, strcmp (info->name, now) == 0 ? "[%s] " : "%s ",
                   info->name);
  return strbuf_add (text, "\n", 1);
}

static bool
has_levels (const char *name)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    if (strcmp (info->name, name) == 0)
      return info->level_min <= info->level_max;
  return false;
}

static int
show_algorithm_params (const struct device_view *dev, struct strbuf *text)
{
  const char *name = zram_algorithm (dev->disk);

  if (!has_levels (name))
    return strbuf_printf (text, "algo=%s\n", name);
  return strbuf_printf (text, "algo=%s level=%d\n", name,
                        zram_level (dev->disk));
}

/* Statistics. */

static struct zram_stats
stats (const struct device_view *dev)
{
  struct zram_stats st;

  zram_stats (dev->disk, &st);
  return st;
}

static int
show_mm_stat (const struct device_view *dev, struct strbuf *text)
{
  struct zram_stats st = stats (dev);

  return strbuf_printf (text, "%8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
                        " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
                        " %8" PRIu64 "\n",
                        st.orig_data_size, st.compr_data_size,
                        st.mem_used_total, st.mem_limit, st.mem_used_max,
                        st.same_pages, st.pages_compacted, st.huge_pages,
                        st.huge_pages_since);
}

/* The 0 was invalid_io: the server refuses such requests. */
static int
show_io_stat (const struct device_view *dev, struct strbuf *text)
{
  struct zram_stats st = stats (dev);

  return strbuf_printf (text, "%8" PRIu64 " %8" PRIu64 " 0 %8" PRIu64 "\n",
                        st.failed_reads, st.failed_writes, st.notify_free);
}

/* What the kernel counts there does not happen here: requests that
 * waited, and trims that gave up.
 */
static int
show_debug_stat (const struct device_view *dev, struct strbuf *text)
{
  (void) dev;
  return strbuf_printf (text, "version: 1\n0 %8d\n", 0);
}

static int
show_max_comp_streams (const struct device_view *dev, struct strbuf *text)
{
  return strbuf_printf (text, "%u\n", dev->disk->workspaces.max);
}

/* The nodes of one value each, which the kernel had before mm_stat. */
#define SHOW_STAT(field, member)                                        \
  static int                                                            \
  show_##field (const struct device_view *dev, struct strbuf *text)       \
  {                                                                     \
    return strbuf_printf (text, "%" PRIu64 "\n", stats (dev).member);     \
  }
SHOW_STAT (orig_data_size, orig_data_size)
SHOW_STAT (compr_data_size, compr_data_size)
SHOW_STAT (mem_used_total, mem_used_total)
SHOW_STAT (mem_used_max, mem_used_max)
SHOW_STAT (mem_limit, mem_limit)
SHOW_STAT (zero_pages, zero_pages)
SHOW_STAT (num_reads, reads)
SHOW_STAT (num_writes, writes)
SHOW_STAT (failed_reads, failed_reads)
SHOW_STAT (failed_writes, failed_writes)
SHOW_STAT (notify_free, notify_free)

static int
show_zero (const struct device_view *dev, struct strbuf *text)
{
  (void) dev;
  return strbuf_printf (text, "0\n");
}

/* Safety of swapping. */

bool
swap_view_step (const struct device_view *dev, unsigned n,
                struct swap_step *step)
{
  bool swap = zram_swap (dev->disk);

  if (n < dev->nsteps) {
    *step = dev->steps[n];
    step->in_force = step->in_force && swap;
    return true;
  }
  *step = (struct swap_step) {
    "reserve", true, swap && zram_swap_reserve (dev->disk) > 0,
  };
  return n == dev->nsteps;
}

bool
swap_view_safe (const struct device_view *dev)
{
  struct swap_step step;
  unsigned i;

  for (i = 0; swap_view_step (dev, i, &step); ++i)
    if (step.vital && !step.in_force)
      return false;
  return dev->nsteps > 0;
}

const char *
swap_view_word (const struct device_view *dev)
{
  return !zram_swap (dev->disk) ? "off"
    : swap_view_safe (dev) ? "safe" : "unsafe";
}

static int
show_swap_safe (const struct device_view *dev, struct strbuf *text)
{
  struct swap_step step;
  unsigned i;

  strbuf_printf (text, "%s", swap_view_word (dev));
  for (i = 0; swap_view_step (dev, i, &step); ++i)
    strbuf_printf (text, " %s%s", step.in_force ? "" : "-", step.name);
  return strbuf_add (text, "\n", 1);
}

static int
show_json (const struct device_view *dev, struct strbuf *text)
{
  json_device (dev, text);
  return strbuf_add (text, "\n", 1);
}

/* block_state */

struct listing {
  struct strbuf *text;
  uint64_t lines;               /* so many more */
};

static int
show_slot (void *opaque, const struct zram_slot *s)
{
  struct listing *l = opaque;

  if (l->lines == 0)
    return 1;
  l->lines--;
  /* Written back, recompressed, incompressible: there is no such thing. */
  return strbuf_printf (l->text, "%12" PRIu64 " %12" PRIu64 ".%06d %c.%c%c..\n",
                        s->slot, s->accessed, 0,
                        s->flags & ZRAM_SLOT_SAME ? 's' : '.',
                        s->flags & ZRAM_SLOT_HUGE ? 'h' : '.',
                        s->flags & ZRAM_SLOT_IDLE ? 'i' : '.');
}

int
attr_block_state (struct zram_disk *disk, uint64_t from, uint64_t lines,
                  struct strbuf *text)
{
  struct listing l = { text, lines };

  zram_each_slot (disk, from, show_slot, &l);
  return text->error;
}

static int
show_block_state (const struct device_view *dev, struct strbuf *text)
{
  return attr_block_state (dev->disk, 0, UINT64_MAX, text);
}

/* The table. */

#define RO .mode = 0444
#define RW .mode = 0644
#define WO .mode = 0200

static const struct attr attrs[] = {
  { "disksize", RW, .help = "size of the disk in bytes",
    .values = "SIZE: " ATTR_DISKSIZES, .show = show_disksize,
    .store = attr_store_disksize, .harms_clients = attr_shrinks },
  { "initstate", RO, .help = "1: the disk can be used",
    .show = show_one },
  { "reset", WO, .help = "forget all data",
    .values = "1, or force while clients are connected",
    .store = attr_store_reset, .harms_clients = attr_resets_unasked },
  { "compact", WO, .help = "give back all memory that can be",
    .values = "1", .store = attr_store_compact },
  { "comp_algorithm", RW, .help = "algorithms, the one in use in brackets",
    .values = "NAME or NAME:LEVEL, as zstd:3", .show = show_comp_algorithm,
    .store = attr_store_comp_algorithm },
  { "algorithm_params", RW, .help = "algorithm in use and its level",
    .values = "algo=NAME[:LEVEL] level=N", .show = show_algorithm_params,
    .store = attr_store_algorithm_params },
  { "max_comp_streams", RO, .help = "pages compressed or decompressed at once at most",
    .show = show_max_comp_streams },
  { "mem_limit", RW, .help = "most memory to be held, in bytes",
    .values = "SIZE, 1% to 100% of the RAM, or 0 for no limit", .show = show_mem_limit,
    .store = attr_store_mem_limit },
  { "mem_used_total", RO, .help = "memory held, in bytes",
    .show = show_mem_used_total },
  { "mem_used_max", RW, .help = "most memory ever held, in bytes",
    .values = "0: start again from what is held now",
    .show = show_mem_used_max, .store = attr_store_mem_used_max },
  { "orig_data_size", RO, .help = "pages stored, in bytes uncompressed",
    .show = show_orig_data_size },
  { "compr_data_size", RO, .help = "the same compressed",
    .show = show_compr_data_size },
  { "zero_pages", RO, .help = "pages stored that hold only zeroes",
    .show = show_zero_pages },
  { "num_reads", RO, .help = "read requests", .show = show_num_reads },
  { "num_writes", RO, .help = "write requests", .show = show_num_writes },
  { "failed_reads", RO, .help = "those that failed",
    .show = show_failed_reads },
  { "failed_writes", RO, .help = "those that failed",
    .show = show_failed_writes },
  { "invalid_io", RO, .help = "always 0: the server refuses such requests",
    .show = show_zero },
  { "notify_free", RO, .help = "pages freed by trimming",
    .show = show_notify_free },
  { "mm_stat", RO, .help = "memory: nine columns", .show = show_mm_stat },
  { "io_stat", RO, .help = "failures and trims: four columns",
    .show = show_io_stat },
  { "debug_stat", RO, .help = "version of these texts",
    .show = show_debug_stat },
  { "idle", WO, .help = "mark pages idle",
    .values = "all, or SECONDS: those not accessed for longer",
    .store = attr_store_idle },
  { "block_state", RO, .help = "each stored page: same, huge, idle",
    .show = show_block_state },
  { "swap_safe", RO, .help = "off, unsafe or safe; and what is in force",
    .show = show_swap_safe },
  { "stats.json", RO, .help = "all counters, as JSON", .show = show_json },
};
#define NATTRS (sizeof attrs / sizeof attrs[0])

const struct attr *
attr_get (unsigned n)
{
  return n < NATTRS ? &attrs[n] : NULL;
}

const struct attr *
attr_find (const char *name)
{
  size_t i;

  for (i = 0; i < NATTRS; ++i)
    if (strcmp (attrs[i].name, name) == 0)
      return &attrs[i];
  return NULL;
}
