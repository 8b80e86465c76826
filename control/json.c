/* nbdkit-zram: the statistics of a disk as JSON.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers are whole, keys are always there, and no string in it needs to
 * be escaped: they are names of devices and codecs.
 */

#include <config.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "disk.h"

/* A counter and its key. */
struct field {
  const char *key;
  size_t offset;                /* in struct zram_stats */
};

#define FIELD(name) { #name, offsetof (struct zram_stats, name) }
#define MEMORY(name) { #name, offsetof (struct zram_stats, mem_##name) }

static const struct field counters[] = {
  FIELD (mem_limit), FIELD (mem_used_total), FIELD (mem_used_max),
  FIELD (orig_data_size), FIELD (compr_data_size), FIELD (pages_stored),
  FIELD (same_pages), FIELD (zero_pages), FIELD (huge_pages),
  FIELD (huge_pages_since), FIELD (split_pages), FIELD (pages_compacted),
  FIELD (objects_moved), FIELD (bytes_moved),
  FIELD (reads), FIELD (writes), FIELD (read_bytes), FIELD (write_bytes),
  FIELD (zeroes), FIELD (trims), FIELD (notify_free),
  FIELD (failed_reads), FIELD (failed_writes), FIELD (corrupt),
  FIELD (merges_retried), FIELD (reserve_misses),
  { NULL, 0 }
};

static const struct field memory[] = {
  MEMORY (segments), MEMORY (directories), MEMORY (free), MEMORY (raw),
  MEMORY (table), MEMORY (codecs), MEMORY (other), MEMORY (ready),
  MEMORY (ready_segments), MEMORY (ready_raw), MEMORY (ready_table),
  { NULL, 0 }
};

static uint64_t
value (const struct zram_stats *st, const struct field *f)
{
  return *(const uint64_t *) ((const char *) st + f->offset);
}

static void
add_memory (const struct zram_stats *st, struct strbuf *text)
{
  const struct field *f;

  strbuf_printf (text, ",\"memory\":{");
  for (f = memory; f->key; ++f)
    strbuf_printf (text, "%s\"%s\":%" PRIu64, f == memory ? "" : ",",
                   f->key, value (st, f));
  strbuf_printf (text, "}");
}

/* Only those that wrote something that is still there. */
static void
add_codecs (const struct zram_stats *st, struct strbuf *text)
{
  const struct zram_codec_info *info;
  const char *comma = "";
  unsigned i;

  strbuf_printf (text, ",\"codecs\":{");
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    if (st->codec[i].pages) {
      strbuf_printf (text, "%s\"%s\":{\"pages\":%" PRIu64
                     ",\"bytes\":%" PRIu64 "}", comma, info->name,
                     st->codec[i].pages, st->codec[i].bytes);
      comma = ",";
    }
  strbuf_printf (text, "}");
}

/* Those that are not empty, each by its upper bound in ns: the difference
 * of two looks is what took how long in between.
 */
static void
add_buckets (const struct zram_latency *l, struct strbuf *text)
{
  const char *comma = "";
  unsigned b;

  strbuf_printf (text, ",\"buckets\":{");
  for (b = 0; b < ZRAM_LATENCY_BUCKETS; ++b)
    if (l->bucket[b]) {
      strbuf_printf (text, "%s\"%" PRIu64 "\":%" PRIu64, comma,
                     zram_latency_bound (b), l->bucket[b]);
      comma = ",";
    }
  strbuf_printf (text, "}}");
}

static void
add_latency (const struct zram_disk *disk, struct strbuf *text)
{
  static const char *const names[ZRAM_OPS] = {
    [ZRAM_OP_READ] = "read", [ZRAM_OP_WRITE] = "write",
    [ZRAM_OP_ZERO] = "zero", [ZRAM_OP_TRIM] = "trim",
  };
  struct zram_latency l;
  unsigned op;

  strbuf_printf (text, ",\"latency\":{");
  for (op = 0; op < ZRAM_OPS; ++op) {
    zram_latency (disk, op, &l);
    strbuf_printf (text, "%s\"%s\":{\"count\":%" PRIu64 ",\"sum_ns\":%" PRIu64
                   ",\"mean_ns\":%" PRIu64 ",\"p50_ns\":%" PRIu64
                   ",\"p99_ns\":%" PRIu64 ",\"p999_ns\":%" PRIu64,
                   op ? "," : "", names[op], l.count, l.sum_ns,
                   l.count ? l.sum_ns / l.count : 0,
                   zram_latency_quantile (&l, 0.5),
                   zram_latency_quantile (&l, 0.99),
                   zram_latency_quantile (&l, 0.999));
    add_buckets (&l, text);
  }
  strbuf_printf (text, "}");
}

static void
add_swap (const struct device_view *dev, struct strbuf *text)
{
  struct swap_step step;
  unsigned i;

  strbuf_printf (text, ",\"swap\":\"%s\",\"swap_reserve\":%" PRIu64
                 ",\"swap_safe\":{\"safe\":%s",
                 swap_view_word (dev), zram_swap_reserve (dev->disk),
                 swap_view_safe (dev) ? "true" : "false");
  for (i = 0; swap_view_step (dev, i, &step); ++i)
    strbuf_printf (text, ",\"%s\":%s", step.name,
                   step.in_force ? "true" : "false");
  strbuf_printf (text, "}");
}

int
json_device (const struct device_view *dev, struct strbuf *text)
{
  struct zram_stats st;
  const struct field *f;

  zram_stats (dev->disk, &st);
  strbuf_printf (text, "{\"name\":\"%s\",\"disksize\":%" PRIu64
                 ",\"page_size\":%" PRIu32 ",\"algorithm\":\"%s\""
                 ",\"level\":%d,\"streams\":%u,\"connections\":%u",
                 dev->name, zram_size (dev->disk), zram_page_size (dev->disk),
                 zram_algorithm (dev->disk), zram_level (dev->disk),
                 dev->disk->workspaces.max, dev->clients);
  for (f = counters; f->key; ++f)
    strbuf_printf (text, ",\"%s\":%" PRIu64, f->key, value (&st, f));
  add_memory (&st, text);
  add_codecs (&st, text);
  add_latency (dev->disk, text);
  add_swap (dev, text);
  return strbuf_printf (text, "}");
}
