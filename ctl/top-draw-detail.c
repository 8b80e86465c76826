/* nbdzramctl: one device of `top' in full: its data as bars, its requests,
 * and its memory by kind.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device-memory.h"
#include "device-swap.h"
#include "escape.h"
#include "must.h"
#include "number-text.h"
#include "top-draw.h"

/* Draw a label, a size, a note, and a bar as long as the rest of the line. */
static void
detail_bar (struct grid *g, enum style style, const char *label, uint64_t part,
            uint64_t whole, const char *note)
{
  char text[SIZE_TEXT];
  int width;

  grid_line (g);
  grid_put (g, STYLE_LABEL, "   %-12s", label);
  grid_put (g, STYLE_PLAIN, "%8s %7s ", size_text (part, text), note);
  width = g->width - (int) strlen (g->lines[g->n - 1].text) - 1;
  if (width > 100)
    width = 100;
  if (width > 0)
    grid_bar (g, style, part, whole, width);
}

/* Draw what is stored above what it takes, to one scale. */
static void
detail_data (struct grid *g, device *d)
{
  uint64_t data = device_count (d, "orig_data_size");
  uint64_t held = device_count (d, "mem_used_total");
  uint64_t compressed = device_count (d, "compr_data_size");
  uint64_t whole = data > held ? data : held;
  char ratio[SIZE_TEXT], text[SIZE_TEXT + 1];

  detail_bar (g, STYLE_DATA, "data", data, whole, "");
  detail_bar (g, STYLE_HELD, "compressed", compressed, whole, "");
  snprintf (text, sizeof text, "%sx", ratio_text (device_ratio (d), ratio));
  detail_bar (g, STYLE_HELD, "held", held, whole, text);
}

/* Say how recompression fares, if there was any. */
static void
detail_recompression (struct grid *g, device *d)
{
  uint64_t found = device_count (d, "recompress_found");
  char size[SIZE_TEXT];

  if (device_count (d, "recompress_tried") == 0 && found == 0)
    return;
  grid_line (g);
  grid_put (g, STYLE_LABEL, "   recompressed");
  grid_put (g, STYLE_PLAIN, " %" PRIu64 " pages, %s gained, %" PRIu64
            " incompressible", device_count (d, "recompressed_pages"),
            size_text (device_count (d, "recompress_gained"), size),
            device_count (d, "incompressible_pages"));
  if (found)
    grid_put (g, STYLE_PLAIN, "; now %" PRIu64 " of %" PRIu64,
              device_count (d, "recompress_handled"), found);
}

/* Draw a bar for each coding, to the scale of what is compressed, if there are
 * several; not so many that the rest has no room.
 */
#define CODINGS_SHOWN 6

struct codings {
  struct grid *grid;
  uint64_t whole;
  unsigned n;                   /* of them; then: drawn */
};

static void
detail_count_coding (void *opaque, const char *name, device *counts)
{
  struct codings *c = opaque;

  (void) name;
  (void) counts;
  c->n++;
}

static void
detail_coding (void *opaque, const char *name, device *counts)
{
  struct codings *c = opaque;
  char note[SIZE_TEXT];
  uint64_t bytes = device_count (counts, "bytes");

  if (c->n++ >= CODINGS_SHOWN)
    return;
  snprintf (note, sizeof note, "%.1f%%",
            c->whole ? (double) bytes * 100 / (double) c->whole : 0);
  detail_bar (c->grid, STYLE_HELD, name, bytes, c->whole, note);
}

static void
detail_codings (struct grid *g, device *d)
{
  struct codings c = { g, device_count (d, "compr_data_size"), 0 };

  device_each_coding (d, detail_count_coding, &c);
  if (c.n < 2)
    return;
  c.n = 0;
  device_each_coding (d, detail_coding, &c);
}

static void
detail_limit (struct grid *g, uint64_t held, uint64_t limit)
{
  char text[SIZE_TEXT];

  if (limit)
    grid_put (g, held > limit / 10 * 9 ? STYLE_WARNING : STYLE_PLAIN,
              ", %" PRIu64 "%% of the limit %s",
              (uint64_t) ((__uint128_t) held * 100 / limit),
              size_text (limit, text));
  else
    grid_put (g, STYLE_PLAIN, ", no limit");
}

static void
detail_memory_title (struct grid *g, device *d)
{
  uint64_t held = device_count (d, "mem_used_total");
  uint64_t peak = device_count (d, "mem_used_max");
  char text[SIZE_TEXT];

  grid_line (g);
  grid_put (g, STYLE_HEADING, " memory");
  grid_put (g, STYLE_PLAIN, "  %s held", size_text (held, text));
  grid_put (g, STYLE_PLAIN, ", peak %s", size_text (peak, text));
  detail_limit (g, held, device_count (d, "mem_limit"));
}

/* Draw memory by kind, to the scale of what is held. */
static void
detail_memory (struct grid *g, device *d)
{
  struct memory_kind kinds[MEMORY_KINDS];
  uint64_t held = device_count (d, "mem_used_total");
  char note[SIZE_TEXT];
  unsigned i;

  detail_memory_title (g, d);
  memory_kinds (d, kinds);
  for (i = 0; i < MEMORY_KINDS; i++) {
    bool empty = strcmp (kinds[i].name, "free") == 0 ||
                 strcmp (kinds[i].name, "ready") == 0;

    snprintf (note, sizeof note, "%.1f%%",
              held ? (double) kinds[i].bytes * 100 / (double) held : 0);
    detail_bar (g, empty ? STYLE_FREE : STYLE_HELD, kinds[i].name,
                kinds[i].bytes, held, note);
  }
}

typedef const char *text_fn (uint64_t n, char text[SIZE_TEXT]);

static void
detail_known (struct grid *g, uint64_t n, text_fn *text_of, const char *unit)
{
  char text[SIZE_TEXT], with_unit[SIZE_TEXT + 4];

  snprintf (with_unit, sizeof with_unit, "%s%s", text_of (n, text), unit);
  grid_put (g, STYLE_PLAIN, " %9s", n == RATE_UNKNOWN ? "-" : with_unit);
}

static void
detail_operation (struct grid *g, const struct span *span,
                  const struct operation *op)
{
  static const unsigned thousandths[] = { 500, 990, 999 };
  unsigned i;

  grid_line (g);
  grid_put (g, STYLE_LABEL, "   %-8s", op->name);
  detail_known (g, span_rate (span, op->count), count_text, "/s");
  if (op->bytes)
    detail_known (g, span_rate (span, op->bytes), size_text, "/s");
  else
    grid_put (g, STYLE_PLAIN, " %9s", "");
  detail_known (g, span_mean (span, op), time_text, "");
  for (i = 0; i < 3; i++)
    detail_known (g, span_quantile (span, op, thousandths[i]), time_text, "");
}

static void
detail_requests (struct grid *g, const struct shown *shown, device *d)
{
  struct span span = shown_span (shown, d);
  unsigned i;

  grid_line (g);
  grid_put (g, STYLE_HEADING, " %-10s %9s %9s %9s %9s %9s %9s", "requests",
            "now", "bytes", "mean", "p50", "p99", "p99.9");
  for (i = 0; i < OPERATIONS; i++)
    detail_operation (g, &span, &operations[i]);
}

/* Draw where the device is, as the beginning of a line. */
static void
detail_place (struct grid *g, const struct attached *a)
{
  FREED char *where = text_escape (a->mountpoint ? a->mountpoint
                                                 : "not mounted");

  grid_put (g, STYLE_PLAIN, "   /dev/%s, %s; ", a->device, where);
}

static void
detail_attached (struct grid *g, const struct shown *shown, device *d)
{
  FREED char *name = device_text (d, "name"), *missing = NULL;
  FREED char *swap = device_swap_line (d, false);
  const struct attached *a = attached_by_export (shown->now->attached, name);
  bool safe = device_swap_safe (d, &missing) || strcmp (swap, "off") == 0;

  grid_line (g);
  if (a)
    detail_place (g, a);
  grid_put (g, STYLE_PLAIN, "%sswap: ", a ? "" : "   ");
  grid_put (g, safe ? STYLE_PLAIN : STYLE_WARNING, "%s", swap);
}

/* Draw what upkeep does and what it uses, if the server says it. */
static void
detail_upkeep (struct grid *g, device *d)
{
  FREED char *now = device_text (d, "upkeep.now");
  FREED char *dictionary = device_text (d, "dictionary");

  if (!now)
    return;
  grid_line (g);
  grid_put (g, STYLE_LABEL, "   upkeep");
  grid_put (g, STYLE_PLAIN, " %s; dictionary: %s", now,
            dictionary ? dictionary : "?");
}

void
draw_detail (struct grid *g, const struct shown *shown, device *d)
{
  FREED char *name = device_text (d, "name");
  uint64_t failures = device_count (d, "failed_reads") +
                      device_count (d, "failed_writes") +
                      device_count (d, "corrupt");

  grid_line (g);
  grid_line (g);
  grid_put (g, STYLE_HEADING, " %s", name);
  grid_put (g, STYLE_PLAIN, "  %" PRIu64 " pages: %" PRIu64 " same-filled, %"
            PRIu64 " raw", device_count (d, "pages_stored"),
            device_count (d, "same_pages"), device_count (d, "huge_pages"));
  if (device_count (d, "late_saved"))
    grid_put (g, STYLE_PLAIN, ", %" PRIu64 " late (%" PRIu64 " saved)",
              device_count (d, "late_pages"), device_count (d, "late_saved"));
  if (failures)
    grid_put (g, STYLE_WARNING, ", %" PRIu64 " failures", failures);
  detail_attached (g, shown, d);
  detail_data (g, d);
  detail_codings (g, d);
  detail_recompression (g, d);
  detail_upkeep (g, d);
  detail_requests (g, shown, d);
  detail_memory (g, d);
}
