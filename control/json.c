/* nbdkit-zram: statistics as JSON.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdbool.h>

#include "boot.h"
#include "json.h"
#include "statistics.h"
#include "swap-view.h"
#include "upkeep-view.h"

static const char *
json_bool (bool b)
{
  return b ? "true" : "false";
}

/* Add "KEY":N. */
static void
json_number (struct strbuf *text, const char *comma, const char *key,
             uint64_t n)
{
  strbuf_printf (text, "%s\"%s\":%" PRIu64, comma, key, n);
}

/* Add the numbers of memory, or all others. */
static void
json_statistics (const struct zram_stats *st, bool of_memory,
                 const char *comma, struct strbuf *text)
{
  const struct statistic *s;
  unsigned i;

  for (i = 0; (s = statistic_get (i)) != NULL; i++)
    if (s->of_memory == of_memory) {
      json_number (text, comma, s->key, statistic_value (s, st));
      comma = ",";
    }
}

/* Add the codecs that wrote something that is still there. */
static void
json_codecs (const struct zram_stats *st, struct strbuf *text)
{
  const struct zram_codec_info *info;
  const char *comma = "";
  unsigned i;

  strbuf_printf (text, ",\"codecs\":{");
  for (i = 0; (info = zram_codec_info (i)) != NULL; i++)
    if (st->codec[i].pages) {
      strbuf_printf (text, "%s\"%s\":{", comma, info->name);
      json_number (text, "", "pages", st->codec[i].pages);
      json_number (text, ",", "bytes", st->codec[i].bytes);
      strbuf_printf (text, "}");
      comma = ",";
    }
  strbuf_printf (text, "}");
}

/* Add the codings of what is stored. */
static void
json_codings (const struct zram_stats *st, struct strbuf *text)
{
  const char *comma = "";
  unsigned i;

  strbuf_printf (text, ",\"codings\":[");
  for (i = 0; i < ZRAM_CODINGS_MAX; i++) {
    const struct zram_coding *c = &st->coding[i];

    if (!c->pages)
      continue;
    strbuf_printf (text, "%s{\"algorithm\":\"%s\",\"level\":%d,"
                   "\"priority\":%u,\"dictionary\":%s", comma,
                   zram_codec_info (c->codec)->name, c->level, c->priority,
                   json_bool (c->dictionary));
    json_number (text, ",", "pages", c->pages);
    json_number (text, ",", "bytes", c->bytes);
    strbuf_printf (text, "}");
    comma = ",";
  }
  strbuf_printf (text, "]");
}

/* Add the buckets that are not empty, each under its upper bound in ns.
 * Clients subtract two of these texts to see what happened in between.
 */
static void
json_buckets (const struct zram_latency *l, struct strbuf *text)
{
  const char *comma = "";
  unsigned b;

  strbuf_printf (text, ",\"buckets\":{");
  for (b = 0; b < ZRAM_LATENCY_BUCKETS; b++)
    if (l->bucket[b]) {
      strbuf_printf (text, "%s\"%" PRIu64 "\":%" PRIu64, comma,
                     zram_latency_bound (b), l->bucket[b]);
      comma = ",";
    }
  strbuf_printf (text, "}");
}

static void
json_latency (const struct zram_latency *l, struct strbuf *text)
{
  static const struct { const char *key; double fraction; } quantiles[] = {
    { "p50_ns", 0.5 }, { "p99_ns", 0.99 }, { "p999_ns", 0.999 },
  };
  unsigned i;

  json_number (text, "", "count", l->count);
  json_number (text, ",", "sum_ns", l->sum_ns);
  json_number (text, ",", "mean_ns", l->count ? l->sum_ns / l->count : 0);
  for (i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
    json_number (text, ",", quantiles[i].key,
                 zram_latency_quantile (l, quantiles[i].fraction));
  json_buckets (l, text);
}

static void
json_latencies (const struct zram_disk *disk, struct strbuf *text)
{
  struct zram_latency l;
  unsigned op;

  strbuf_printf (text, ",\"latency\":{");
  for (op = 0; op < ZRAM_OPS; op++) {
    zram_latency (disk, op, &l);
    strbuf_printf (text, "%s\"%s\":{", op ? "," : "", statistic_op (op));
    json_latency (&l, text);
    strbuf_printf (text, "}");
  }
  strbuf_printf (text, "}");
}

static void
json_swap (const struct device_view *view, struct strbuf *text)
{
  struct swap_step step;
  unsigned i;

  strbuf_printf (text, ",\"swap\":\"%s\",\"swap_reserve\":%" PRIu64
                 ",\"swap_safe\":{\"safe\":%s",
                 swap_view_word (view), zram_swap_reserve (view->disk),
                 json_bool (swap_view_safe (view)));
  for (i = 0; swap_view_step (view, i, &step); i++)
    strbuf_printf (text, ",\"%s\":%s", step.name, json_bool (step.in_force));
  strbuf_printf (text, "}");
}

static void
json_dictionary (const struct device_view *view, struct strbuf *text)
{
  strbuf_printf (text, ",\"dictionary\":\"%s\"",
                 zram_dictionary_says (view->disk));
}

static void
json_upkeep (const struct device_view *view, struct strbuf *text)
{
  struct zram_upkeep_report r;
  char now[UPKEEP_VIEW_MAX];

  zram_upkeep_report (view->disk, &r);
  upkeep_view_now (view->disk, now);
  strbuf_printf (text, ",\"upkeep\":{\"state\":\"%s\",\"now\":\"%s\"}",
                 upkeep_view_word (r.state), now);
}

int
json_device (const struct device_view *view, struct strbuf *text)
{
  struct zram_stats st;

  zram_stats (view->disk, &st);
  strbuf_printf (text, "{\"name\":\"%s\",\"disksize\":%" PRIu64
                 ",\"page_size\":%" PRIu32 ",\"algorithm\":\"%s\""
                 ",\"level\":%d,\"streams\":%u,\"connections\":%u",
                 view->name, zram_size (view->disk),
                 zram_page_size (view->disk), zram_algorithm (view->disk),
                 zram_level (view->disk), zram_streams (view->disk),
                 view->clients);
  json_statistics (&st, false, ",", text);
  strbuf_printf (text, ",\"memory\":{");
  json_statistics (&st, true, "", text);
  strbuf_printf (text, "}");
  json_codecs (&st, text);
  json_codings (&st, text);
  json_latencies (view->disk, text);
  json_dictionary (view, text);
  json_upkeep (view, text);
  json_swap (view, text);
  return strbuf_printf (text, "}");
}

int
json_devices (struct strbuf *text)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);

  /* The version of the schema, not of the program. */
  strbuf_printf (text, "{\"version\":\"0.1\",\"boot\":\"%s\","
                 "\"parallel\":%s,\"devices\":[",
                 boot_mark (), json_bool (statistics_parallel));
  for (i = 0; i < n; i++) {
    struct device_view view = device_look (devices[i]);

    strbuf_printf (text, "%s", i ? "," : "");
    json_device (&view, text);
    device_put (devices[i]);
  }
  return strbuf_printf (text, "]}\n");
}
