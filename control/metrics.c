/* nbdkit-zram: the statistics of all devices, for machines.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "boot.h"
#include "devices.h"
#include "metrics.h"

#define PREFIX "nbdkit_zram_"

bool stats_parallel;

int
stats_json (struct strbuf *text)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);

  /* The version of the schema, not of the program. */
  strbuf_printf (text, "{\"version\":\"0.1\",\"boot\":\"%s\","
                 "\"parallel\":%s,\"devices\":[",
                 boot_mark (), stats_parallel ? "true" : "false");
  for (i = 0; i < n; i++) {
    struct device_view about = device_view (devices[i]);

    if (i)
      strbuf_add (text, ",", 1);
    json_device (&about, text);
    device_put (devices[i]);
  }
  return strbuf_printf (text, "]}\n");
}

/* One device, looked at once. */
struct seen {
  struct device *dev;
  struct zram_stats st;
};

struct metric {
  const char *name, *type, *help;
  size_t offset;                /* in struct zram_stats */
  const char *label;            /* of several of one name; or NULL */
};

#define STAT(field) offsetof (struct zram_stats, field)

static const struct metric metrics[] = {
  { "pages", "gauge", "Pages stored.", STAT (pages_stored), NULL },
  { "orig_bytes", "gauge", "Data stored, uncompressed.",
    STAT (orig_data_size), NULL },
  { "compressed_bytes", "gauge", "Data stored, compressed.",
    STAT (compr_data_size), NULL },
  { "memory_used_bytes", "gauge", "Memory held.",
    STAT (mem_used_total), NULL },
  { "memory_used_max_bytes", "gauge", "Most memory ever held.",
    STAT (mem_used_max), NULL },
  { "memory_limit_bytes", "gauge", "Most memory to be held; 0: no limit.",
    STAT (mem_limit), NULL },
  { "memory_bytes", "gauge", "Memory held, by kind; they add up.",
    STAT (mem_segments), "kind=\"segments\"" },
  { "memory_bytes", NULL, NULL, STAT (mem_raw), "kind=\"raw\"" },
  { "memory_bytes", NULL, NULL, STAT (mem_table), "kind=\"table\"" },
  { "memory_bytes", NULL, NULL, STAT (mem_codecs), "kind=\"codecs\"" },
  { "memory_bytes", NULL, NULL, STAT (mem_other), "kind=\"other\"" },
  { "memory_ready_bytes", "gauge",
    "Empty, ready for what is written next, of segments, raw and table.",
    STAT (mem_ready), NULL },
  { "segment_directory_bytes", "gauge", "Directories, of the segments.",
    STAT (mem_directories), NULL },
  { "segment_free_bytes", "gauge", "Free for objects, of the segments.",
    STAT (mem_free), NULL },
  { "same_pages", "gauge", "Pages of one repeated word.",
    STAT (same_pages), NULL },
  { "zero_pages", "gauge", "Pages of zeroes, of the same pages.",
    STAT (zero_pages), NULL },
  { "huge_pages", "gauge", "Pages that do not compress.",
    STAT (huge_pages), NULL },
  { "split_pages", "gauge", "Pages kept in two pieces.",
    STAT (split_pages), NULL },
  { "huge_pages_total", "counter", "Pages ever written that did not compress.",
    STAT (huge_pages_since), NULL },
  { "reads_total", "counter", "Read requests.", STAT (reads), NULL },
  { "writes_total", "counter", "Write requests.", STAT (writes), NULL },
  { "zeroes_total", "counter", "Write-zeroes requests.",
    STAT (zeroes), NULL },
  { "trims_total", "counter", "Trim requests.", STAT (trims), NULL },
  { "read_bytes_total", "counter", "Bytes read.", STAT (read_bytes), NULL },
  { "write_bytes_total", "counter", "Bytes written.",
    STAT (write_bytes), NULL },
  { "trimmed_pages_total", "counter", "Pages freed by trimming.",
    STAT (notify_free), NULL },
  { "failed_reads_total", "counter", "Read requests that failed.",
    STAT (failed_reads), NULL },
  { "failed_writes_total", "counter", "Write requests that failed.",
    STAT (failed_writes), NULL },
  { "corrupt_total", "counter", "Pages that could not be decompressed.",
    STAT (corrupt), NULL },
  { "merges_retried_total", "counter",
    "Partial writes that met another write.", STAT (merges_retried), NULL },
  { "reserve_misses_total", "counter",
    "Times that a write found the reserve used up.",
    STAT (reserve_misses), NULL },
  { "compacted_segments_total", "counter",
    "Segments given back by compaction.", STAT (pages_compacted), NULL },
  { "compaction_moved_objects_total", "counter",
    "Objects moved by compaction.", STAT (objects_moved), NULL },
  { "compaction_moved_bytes_total", "counter", "Bytes moved by compaction.",
    STAT (bytes_moved), NULL },
};

static void
head (struct strbuf *text, const char *name, const char *type,
      const char *help)
{
  strbuf_printf (text, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
                 name, help, name, type);
}

static void
add_metrics (struct strbuf *text, const struct seen *seen, unsigned n)
{
  const struct metric *m = metrics;
  const struct metric *end = m + sizeof metrics / sizeof metrics[0];
  unsigned i;

  for (; m < end; m++) {
    if (m->type)
      head (text, m->name, m->type, m->help);
    for (i = 0; i < n; i++)
      strbuf_printf (text, PREFIX "%s{device=\"%s\"%s%s} %" PRIu64 "\n",
                     m->name, seen[i].dev->name, m->label ? "," : "",
                     m->label ? m->label : "",
                     *(const uint64_t *)
                     ((const char *) &seen[i].st + m->offset));
  }
}

/* What is no counter of struct zram_stats. */
static void
add_devices (struct strbuf *text, const struct seen *seen, unsigned n)
{
  unsigned i;

  head (text, "info", "gauge", "What the device is made with.");
  for (i = 0; i < n; i++)
    strbuf_printf (text, PREFIX "info{device=\"%s\",algorithm=\"%s\","
                   "level=\"%d\",page_size=\"%" PRIu32 "\"} 1\n",
                   seen[i].dev->name, zram_algorithm (seen[i].dev->disk),
                   zram_level (seen[i].dev->disk),
                   zram_page_size (seen[i].dev->disk));
  head (text, "size_bytes", "gauge", "Size of the disk.");
  for (i = 0; i < n; i++)
    strbuf_printf (text, PREFIX "size_bytes{device=\"%s\"} %" PRIu64 "\n",
                   seen[i].dev->name, zram_size (seen[i].dev->disk));
  head (text, "connections", "gauge", "Clients that have the disk open.");
  for (i = 0; i < n; i++)
    strbuf_printf (text, PREFIX "connections{device=\"%s\"} %u\n",
                   seen[i].dev->name, device_view (seen[i].dev).clients);
}

static void
add_swap (struct strbuf *text, const struct seen *seen, unsigned n)
{
  struct device_view about;
  struct swap_step step;
  unsigned i, k;

  head (text, "swap_reserve_bytes", "gauge",
        "Memory to be kept ready for writes; 0: none.");
  for (i = 0; i < n; i++)
    strbuf_printf (text, PREFIX "swap_reserve_bytes{device=\"%s\"} %" PRIu64
                   "\n", seen[i].dev->name,
                   zram_swap_reserve (seen[i].dev->disk));
  head (text, "swap_safe", "gauge", "1: it is safe to swap to the disk.");
  for (i = 0; i < n; i++) {
    about = device_view (seen[i].dev);
    strbuf_printf (text, PREFIX "swap_safe{device=\"%s\"} %d\n",
                   about.name, swap_view_safe (&about));
  }
  head (text, "swap_step", "gauge", "1: this part of it is in force.");
  for (i = 0; i < n; i++) {
    about = device_view (seen[i].dev);
    for (k = 0; swap_view_step (&about, k, &step); k++)
      strbuf_printf (text, PREFIX "swap_step{device=\"%s\",step=\"%s\"} %d\n",
                     about.name, step.name, step.in_force);
  }
}

/* All codecs, so that no series comes and goes. */
static void
add_codecs (struct strbuf *text, const struct seen *seen, unsigned n)
{
  const struct zram_codec_info *info;
  unsigned i, c, bytes;

  for (bytes = 0; bytes < 2; bytes++) {
    const char *name = bytes ? "codec_bytes" : "codec_pages";

    head (text, name, "gauge", bytes ? "Compressed data, by codec."
          : "Pages compressed, by codec.");
    for (i = 0; i < n; i++)
      for (c = 0; (info = zram_codec_info (c)) != NULL; c++)
        strbuf_printf (text, PREFIX "%s{device=\"%s\",codec=\"%s\"} %" PRIu64
                       "\n", name, seen[i].dev->name, info->name,
                       bytes ? seen[i].st.codec[c].bytes
                       : seen[i].st.codec[c].pages);
  }
}

/* Latencies: of the engine's buckets each fourth bound, which doubles the
 * one before, from 1 us to 17 s.
 */
#define OP_DURATION "op_duration_seconds"
#define FIRST_BOUND 12
#define BOUND_STEP 4

static void
add_histogram (struct strbuf *text, const struct device *dev, enum zram_op op,
               const char *name)
{
  struct zram_latency l;
  uint64_t below = 0;
  unsigned b;

  zram_latency (dev->disk, op, &l);
  for (b = 0; b < ZRAM_LATENCY_BUCKETS - 1; b++) {
    below += l.bucket[b];
    if (b >= FIRST_BOUND && b % BOUND_STEP == 0)
      strbuf_printf (text, PREFIX OP_DURATION "_bucket{device=\"%s\","
                     "op=\"%s\",le=\"%.10g\"} %" PRIu64 "\n", dev->name, name,
                     (double) zram_latency_bound (b) / 1e9, below);
  }
  strbuf_printf (text, PREFIX OP_DURATION "_bucket{device=\"%s\",op=\"%s\","
                 "le=\"+Inf\"} %" PRIu64 "\n"
                 PREFIX OP_DURATION "_sum{device=\"%s\",op=\"%s\"} %.9f\n"
                 PREFIX OP_DURATION "_count{device=\"%s\",op=\"%s\"} %" PRIu64
                 "\n", dev->name, name, l.count,
                 dev->name, name, (double) l.sum_ns / 1e9,
                 dev->name, name, l.count);
}

static void
add_latencies (struct strbuf *text, const struct seen *seen, unsigned n)
{
  static const char *const names[ZRAM_OPS] = {
    [ZRAM_OP_READ] = "read", [ZRAM_OP_WRITE] = "write",
    [ZRAM_OP_ZERO] = "zero", [ZRAM_OP_TRIM] = "trim",
  };
  unsigned i, op;

  head (text, OP_DURATION, "histogram",
        "Time that requests took, network and server not included.");
  for (i = 0; i < n; i++)
    for (op = 0; op < ZRAM_OPS; op++)
      add_histogram (text, seen[i].dev, op, names[op]);
}

int
stats_metrics (struct strbuf *text)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);
  struct seen *seen = calloc (DEVICES_MAX, sizeof *seen);

  for (i = 0; i < n && seen; i++) {
    seen[i].dev = devices[i];
    zram_stats (devices[i]->disk, &seen[i].st);
  }
  if (seen) {
    head (text, "parallel", "gauge",
          "1: requests of one connection run in parallel.");
    strbuf_printf (text, PREFIX "parallel %d\n", stats_parallel);
    add_devices (text, seen, n);
    add_metrics (text, seen, n);
    add_codecs (text, seen, n);
    add_latencies (text, seen, n);
    add_swap (text, seen, n);
  }
  else
    text->error = text->error ? text->error : -ENOMEM;
  for (i = 0; i < n; i++)
    device_put (devices[i]);
  free (seen);
  return text->error;
}
