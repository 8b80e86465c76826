/* nbdkit-zram: the statistics of all devices, for Prometheus.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices.h"
#include "metrics.h"
#include "statistics.h"
#include "swap-view.h"
#include "upkeep-view.h"

#define PREFIX "nbdkit_zram_"

/* One look at all devices, so that the numbers of each fit together. */
struct seen {
  struct device *dev;
  struct device_view view;
  struct zram_stats st;
};

struct look {
  unsigned n;
  struct seen seen[DEVICES_MAX];
};

/* Begin a metric.  Its lines, those of all devices, must follow. */
static void
metrics_head (struct strbuf *text, const char *name, const char *type,
              const char *help)
{
  strbuf_printf (text, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
                 name, help, name, type);
}

/* Add the line of one device; label is "" or another label. */
static void
metrics_line (struct strbuf *text, const char *name, const struct seen *s,
              const char *label, uint64_t value)
{
  strbuf_printf (text, PREFIX "%s{device=\"%s\"%s%s} %" PRIu64 "\n", name,
                 s->view.name, *label ? "," : "", label, value);
}

/* Add a gauge that has one value for each device. */
static void
metrics_gauge (struct strbuf *text, const struct look *look,
               const char *name, const char *help,
               uint64_t (*value) (const struct device_view *view))
{
  unsigned i;

  metrics_head (text, name, "gauge", help);
  for (i = 0; i < look->n; i++)
    metrics_line (text, name, &look->seen[i], "",
                  value (&look->seen[i].view));
}

/* The rows of the table. */
static void
metrics_statistics (struct strbuf *text, const struct look *look)
{
  const struct statistic *s;
  char name[STATISTIC_NAME_MAX];
  unsigned place, i;

  for (place = 1; (s = statistic_at (STATISTIC_METRICS, place)); place++) {
    statistic_metric (s, name);
    if (s->help)
      metrics_head (text, name, s->kind == STATISTIC_COUNTER ? "counter"
                    : "gauge", s->help);
    for (i = 0; i < look->n; i++)
      metrics_line (text, name, &look->seen[i], s->label ? s->label : "",
                    statistic_value (s, &look->seen[i].st));
  }
}

/* What is not in struct zram_stats. */

static uint64_t
metrics_size (const struct device_view *view)
{
  return zram_size (view->disk);
}

static uint64_t
metrics_clients (const struct device_view *view)
{
  return view->clients;
}

static uint64_t
metrics_reserve (const struct device_view *view)
{
  return zram_swap_reserve (view->disk);
}

static uint64_t
metrics_safe (const struct device_view *view)
{
  return swap_view_safe (view);
}

static void
metrics_about (struct strbuf *text, const struct look *look)
{
  unsigned i;

  metrics_head (text, "info", "gauge",
                "Algorithm, level and page size of the disk.");
  for (i = 0; i < look->n; i++) {
    const struct device_view *v = &look->seen[i].view;

    strbuf_printf (text, PREFIX "info{device=\"%s\",algorithm=\"%s\","
                   "level=\"%d\",page_size=\"%" PRIu32 "\"} 1\n", v->name,
                   zram_algorithm (v->disk), zram_level (v->disk),
                   zram_page_size (v->disk));
  }
  metrics_gauge (text, look, "size_bytes", "Size of the disk.",
                 metrics_size);
  metrics_gauge (text, look, "connections",
                 "Clients that have the disk open.", metrics_clients);
}

static void
metrics_swap (struct strbuf *text, const struct look *look)
{
  struct swap_step step;
  char label[64];
  unsigned i, k;

  metrics_gauge (text, look, "swap_reserve_bytes",
                 "Reserve of memory for writes; 0: none.",
                 metrics_reserve);
  metrics_gauge (text, look, "swap_safe",
                 "1 if it is safe to swap to the disk.", metrics_safe);
  metrics_head (text, "swap_step", "gauge",
                "1 if this step of swap=true is in force.");
  for (i = 0; i < look->n; i++)
    for (k = 0; swap_view_step (&look->seen[i].view, k, &step); k++) {
      snprintf (label, sizeof label, "step=\"%s\"", step.name);
      metrics_line (text, "swap_step", &look->seen[i], label, step.in_force);
    }
}

/* Add all states, so that no series comes and goes. */
static void
metrics_upkeep (struct strbuf *text, const struct look *look)
{
  struct zram_upkeep_report r;
  char label[64];
  unsigned i, k;

  metrics_head (text, "upkeep_state", "gauge", "1: upkeep is in this state.");
  for (i = 0; i < look->n; i++) {
    zram_upkeep_report (look->seen[i].view.disk, &r);
    for (k = 0; k < ZRAM_UPKEEP_STATES; k++) {
      snprintf (label, sizeof label, "state=\"%s\"",
                upkeep_view_word ((enum zram_upkeep_state) k));
      metrics_line (text, "upkeep_state", &look->seen[i], label,
                    k == (unsigned) r.state);
    }
  }
}

/* Add all codecs, so that no series comes and goes. */
static void
metrics_codec (struct strbuf *text, const struct look *look,
               const char *name, const char *help, bool bytes)
{
  const struct zram_codec_info *info;
  char label[64];
  unsigned i, c;

  metrics_head (text, name, "gauge", help);
  for (i = 0; i < look->n; i++)
    for (c = 0; (info = zram_codec_info (c)) != NULL; c++) {
      const struct zram_stats *st = &look->seen[i].st;

      snprintf (label, sizeof label, "codec=\"%s\"", info->name);
      metrics_line (text, name, &look->seen[i], label,
                    bytes ? st->codec[c].bytes : st->codec[c].pages);
    }
}

/* Add the codings that have pages; they come and go, and several may differ
 * only in their dictionaries.
 */
static void
metrics_coding (struct strbuf *text, const struct look *look,
                const char *name, const char *help, bool bytes)
{
  char label[160];
  unsigned i, n;

  metrics_head (text, name, "gauge", help);
  for (i = 0; i < look->n; i++)
    for (n = 0; n < ZRAM_CODINGS_MAX; n++) {
      const struct zram_coding *c = &look->seen[i].st.coding[n];

      if (!c->pages)
        continue;
      snprintf (label, sizeof label, "coding=\"%u\",codec=\"%s\","
                "level=\"%d\",priority=\"%u\",dictionary=\"%s\"", n,
                zram_codec_info (c->codec)->name, c->level, c->priority,
                c->dictionary ? "yes" : "no");
      metrics_line (text, name, &look->seen[i], label,
                    bytes ? c->bytes : c->pages);
    }
}

/* Latencies.  Of the engine's bounds every fourth is shown: each doubles the
 * one before, from 1 us to 17 s.
 */
#define OP_DURATION "op_duration_seconds"
#define FIRST_BOUND 12
#define BOUND_STEP 4

static void
metrics_histogram (struct strbuf *text, const struct device_view *view,
                   enum zram_op op)
{
  const char *name = statistic_op (op);
  struct zram_latency l;
  uint64_t below = 0;
  unsigned b;

  zram_latency (view->disk, op, &l);
  for (b = 0; b < ZRAM_LATENCY_BUCKETS - 1; b++) {
    below += l.bucket[b];
    if (b >= FIRST_BOUND && b % BOUND_STEP == 0)
      strbuf_printf (text, PREFIX OP_DURATION "_bucket{device=\"%s\","
                     "op=\"%s\",le=\"%.10g\"} %" PRIu64 "\n", view->name,
                     name, (double) zram_latency_bound (b) / 1e9, below);
  }
  strbuf_printf (text, PREFIX OP_DURATION "_bucket{device=\"%s\",op=\"%s\","
                 "le=\"+Inf\"} %" PRIu64 "\n"
                 PREFIX OP_DURATION "_sum{device=\"%s\",op=\"%s\"} %.9f\n"
                 PREFIX OP_DURATION "_count{device=\"%s\",op=\"%s\"} %" PRIu64
                 "\n", view->name, name, l.count,
                 view->name, name, (double) l.sum_ns / 1e9,
                 view->name, name, l.count);
}

static void
metrics_latencies (struct strbuf *text, const struct look *look)
{
  unsigned i, op;

  metrics_head (text, OP_DURATION, "histogram",
                "Time that requests took, network and server not included.");
  for (i = 0; i < look->n; i++)
    for (op = 0; op < ZRAM_OPS; op++)
      metrics_histogram (text, &look->seen[i].view, op);
}

/* Look at all devices.  NULL: no memory.  The caller puts each device, and
 * frees the look.
 */
static struct look *
metrics_look (void)
{
  struct device *devices[DEVICES_MAX];
  struct look *look = calloc (1, sizeof *look);
  unsigned i;

  if (!look)
    return NULL;
  look->n = devices_get (devices);
  for (i = 0; i < look->n; i++) {
    look->seen[i].dev = devices[i];
    look->seen[i].view = device_look (devices[i]);
    zram_stats (devices[i]->disk, &look->seen[i].st);
  }
  return look;
}

int
metrics_devices (struct strbuf *text)
{
  struct look *look = metrics_look ();
  unsigned i;

  if (!look)
    return text->error = -ENOMEM;
  metrics_head (text, "parallel", "gauge",
                "1: requests of one connection run in parallel.");
  strbuf_printf (text, PREFIX "parallel %d\n", statistics_parallel);
  metrics_about (text, look);
  metrics_statistics (text, look);
  metrics_codec (text, look, "codec_pages", "Pages compressed, by codec.",
                 false);
  metrics_codec (text, look, "codec_bytes", "Compressed data, by codec.",
                 true);
  metrics_coding (text, look, "coding_pages", "Pages compressed, by coding.",
                  false);
  metrics_coding (text, look, "coding_bytes", "Compressed data, by coding.",
                  true);
  metrics_latencies (text, look);
  metrics_upkeep (text, look);
  metrics_swap (text, look);
  for (i = 0; i < look->n; i++)
    device_put (look->seen[i].dev);
  free (look);
  return text->error;
}
