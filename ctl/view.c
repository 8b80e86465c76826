/* nbdzramctl: what `top' shows.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * From top to bottom: a title, the devices, one line each, and of the one
 * selected its data and memory as bars and its requests.
 */

#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "memory.h"
#include "sizes.h"
#include "view.h"

/* Lines below the list of devices. */
#define DETAIL_LINES 20
#define SECOND UINT64_C (1000000000)

void
view_init (struct view *v)
{
  memset (v, 0, sizeof *v);
  v->lines = must_alloc (VIEW_LINES_MAX, sizeof *v->lines);
}

void
view_free (struct view *v)
{
  free (v->lines);
}

/* --- Lines -------------------------------------------------------------- */

static void
new_line (struct view *v)
{
  if (v->n < VIEW_LINES_MAX)
    v->n++;
  memset (&v->lines[v->n - 1], 0, sizeof v->lines[0]);
}

/* Add to the last line; what does not fit is cut off. */
static void __attribute__ ((format (printf, 3, 4)))
put (struct view *v, enum style style, const char *format, ...)
{
  struct view_line *line = &v->lines[v->n - 1];
  size_t at = strlen (line->text), n;
  va_list args;

  va_start (args, format);
  vsnprintf (line->text + at, (size_t) v->width + 1 - at, format, args);
  va_end (args);
  n = strlen (line->text) - at;
  memset (line->style + at, style, n);
}

/* Fill the last line up, so that its style reaches the edge. */
static void
fill (struct view *v, enum style style)
{
  int at = (int) strlen (v->lines[v->n - 1].text);

  put (v, style, "%*s", v->width - at, "");
}

static void
bar (struct view *v, enum style style, char c, uint64_t part, uint64_t whole,
     int width)
{
  int i, n = 0;

  if (whole)
    n = (int) ((__uint128_t) (part < whole ? part : whole) *
               (unsigned) width / whole);
  /* What is there is seen. */
  if (part && !n)
    n = 1;
  for (i = 0; i < n; i++)
    put (v, style, "%c", c);
}

/* --- Numbers ------------------------------------------------------------ */

/* How much a counter has grown; 0 if it started again. */
static uint64_t
growth (device *now, device *before, const char *path)
{
  uint64_t a = before ? device_count (before, path) : 0;
  uint64_t b = device_count (now, path);

  return before && b > a ? b - a : 0;
}

static uint64_t
rate (const struct look *look, device *now, device *before, const char *path)
{
  __uint128_t n = growth (now, before, path);

  return look->interval_ns ? (uint64_t) (n * SECOND / look->interval_ns) : 0;
}

/* Of all the time that an operation has taken, the mean of what came since
 * before; 0 if nothing did.
 */
static uint64_t
mean_since (device *now, device *before, const struct operation *op)
{
  uint64_t n, n_before, sum, sum_before;

  if (!before)
    return 0;
  n = operation_latency (now, op, "count");
  n_before = operation_latency (before, op, "count");
  sum = n * operation_latency (now, op, "mean_ns");
  sum_before = n_before * operation_latency (before, op, "mean_ns");
  return n > n_before && sum > sum_before
    ? (sum - sum_before) / (n - n_before) : 0;
}

static device *
same_before (const struct look *look, device *d)
{
  char *name = device_text (d, "name");
  device *before = look->before ? state_find (look->before, name) : NULL;

  free (name);
  return before;
}

static const char *
per_second (const char *number, char text[SIZE_TEXT + 2])
{
  snprintf (text, SIZE_TEXT + 2, "%s/s", number);
  return text;
}

/* --- The list of devices ------------------------------------------------ */

static void
put_title (struct view *v, const struct look *look)
{
  char *uri = text_escape (look->uri);
  unsigned n = look->now ? look->now->n : 0;

  new_line (v);
  put (v, STYLE_TITLE, " " PROGRAM " top  %s  %u device%s", uri, n,
       n == 1 ? "" : "s");
  if (look->interval_ns)
    put (v, STYLE_TITLE, ", over %.1f s", (double) look->interval_ns / 1e9);
  fill (v, STYLE_TITLE);
  free (uri);
  if (look->trouble) {
    new_line (v);
    put (v, STYLE_WARNING, " %s", look->trouble);
  }
}

static void
put_device (struct view *v, const struct look *look, device *d,
            bool selected)
{
  device *before = same_before (look, d);
  enum style style = selected ? STYLE_SELECTED : STYLE_PLAIN;
  char *name = device_text (d, "name");
  char *algorithm = device_text (d, "algorithm");
  char t[SIZE_TEXT];
  uint64_t ratio = device_ratio (d);

  new_line (v);
  put (v, style, " %-8.20s %-9.20s", name, algorithm ? algorithm : "?");
  put (v, style, " %7s", size_text (device_count (d, "disksize"), t));
  put (v, style, " %7s", size_text (device_count (d, "orig_data_size"), t));
  put (v, style, " %7s", size_text (device_count (d, "mem_used_total"), t));
  put (v, style, " %4" PRIu64 ".%02" PRIu64, ratio / 10000,
       ratio % 10000 / 100);
  put (v, style, " %8s", count_text (rate (look, d, before, "reads"), t));
  put (v, style, " %8s", count_text (rate (look, d, before, "writes"), t));
  put (v, style, " %5s", count_text (device_count (d, "connections"), t));
  fill (v, style);
  free (algorithm);
  free (name);
}

/* Those that there is room for, the one selected among them. */
static void
put_devices (struct view *v, const struct look *look)
{
  unsigned n = look->now->n, room = n, first = 0, i;

  if (v->height) {
    int left = v->height - v->n - 2 - DETAIL_LINES;

    room = left < 1 ? 1 : (unsigned) left;
    room = room < n ? room : n;
    if (look->selected >= room)
      first = look->selected - room + 1;
  }
  new_line (v);
  put (v, STYLE_HEADING, " %-8s %-9s %7s %7s %7s %7s %8s %8s %5s", "NAME",
       "ALGORITHM", "SIZE", "DATA", "TOTAL", "RATIO", "READS/S", "WRITES/S",
       "CONN");
  fill (v, STYLE_HEADING);
  for (i = first; i < first + room; i++)
    put_device (v, look, state_device (look->now, i), i == look->selected);
  if (room < n) {
    new_line (v);
    put (v, STYLE_LABEL, " and %u more; the arrow keys choose", n - room);
  }
}

/* --- One device in full ------------------------------------------------- */

/* A label, a size, a note, and a bar as long as the line leaves. */
static void
put_bar (struct view *v, enum style style, const char *label, uint64_t part,
         uint64_t whole, const char *note)
{
  char text[SIZE_TEXT];
  int width;

  new_line (v);
  put (v, STYLE_LABEL, "   %-12s", label);
  put (v, STYLE_PLAIN, "%8s %7s ", size_text (part, text), note);
  width = v->width - (int) strlen (v->lines[v->n - 1].text) - 1;
  if (width > 100)
    width = 100;
  if (width > 0)
    bar (v, style, style == STYLE_FREE ? '-' : '#', part, whole, width);
}

/* What is stored over what it takes, to one scale. */
static void
put_data (struct view *v, device *d)
{
  uint64_t data = device_count (d, "orig_data_size");
  uint64_t held = device_count (d, "mem_used_total");
  uint64_t compressed = device_count (d, "compr_data_size");
  uint64_t ratio = device_ratio (d), whole = data > held ? data : held;
  char text[32];

  put_bar (v, STYLE_DATA, "data", data, whole, "");
  put_bar (v, STYLE_HELD, "compressed", compressed, whole, "");
  snprintf (text, sizeof text, "%" PRIu64 ".%02" PRIu64 "x", ratio / 10000,
            ratio % 10000 / 100);
  put_bar (v, STYLE_HELD, "held", held, whole, text);
}

/* Memory by kind, to the scale of what is held. */
static void
put_memory (struct view *v, device *d)
{
  struct memory_kind kinds[MEMORY_KINDS];
  uint64_t held = device_count (d, "mem_used_total");
  uint64_t peak = device_count (d, "mem_used_max");
  uint64_t limit = device_count (d, "mem_limit");
  char note[SIZE_TEXT], text[SIZE_TEXT];
  unsigned i;

  new_line (v);
  put (v, STYLE_HEADING, " memory");
  put (v, STYLE_PLAIN, "  %s held", size_text (held, text));
  put (v, STYLE_PLAIN, ", peak %s", size_text (peak, text));
  if (limit)
    put (v, held > limit / 10 * 9 ? STYLE_WARNING : STYLE_PLAIN,
         ", %" PRIu64 "%% of the limit %s",
         (uint64_t) ((__uint128_t) held * 100 / limit),
         size_text (limit, text));
  else
    put (v, STYLE_PLAIN, ", no limit");
  memory_kinds (d, kinds);
  for (i = 0; i < MEMORY_KINDS; i++) {
    uint64_t thousandths = held ? kinds[i].bytes * 1000 / held : 0;

    snprintf (note, sizeof note, "%" PRIu64 ".%" PRIu64 "%%",
              thousandths / 10, thousandths % 10);
    put_bar (v, strcmp (kinds[i].name, "free") == 0 ? STYLE_FREE
                                                    : STYLE_HELD,
             kinds[i].name, kinds[i].bytes, held, note);
  }
}

/* A quantile of all requests since the start; "-" if there were none. */
static const char *
latency_text (device *d, const struct operation *op, const char *member,
              char text[SIZE_TEXT])
{
  return operation_latency (d, op, "count")
    ? time_text (operation_latency (d, op, member), text) : "-";
}

static void
put_requests (struct view *v, const struct look *look, device *d)
{
  device *before = same_before (look, d);
  char t[SIZE_TEXT], s[SIZE_TEXT + 2];
  unsigned i;

  new_line (v);
  put (v, STYLE_HEADING, " %-10s %9s %9s %9s %9s %9s %9s", "requests", "now",
       "bytes", "mean now", "p50", "p99", "p99.9");
  for (i = 0; i < OPERATIONS; i++) {
    const struct operation *op = &operations[i];
    uint64_t mean = mean_since (d, before, op);

    new_line (v);
    put (v, STYLE_LABEL, "   %-8s", op->name);
    put (v, STYLE_PLAIN, " %9s", per_second (
           count_text (rate (look, d, before, op->count), t), s));
    put (v, STYLE_PLAIN, " %9s", !op->bytes ? "" : per_second (
           size_text (rate (look, d, before, op->bytes), t), s));
    put (v, STYLE_PLAIN, " %9s", mean ? time_text (mean, t) : "-");
    put (v, STYLE_PLAIN, " %9s", latency_text (d, op, "p50_ns", t));
    put (v, STYLE_PLAIN, " %9s", latency_text (d, op, "p99_ns", t));
    put (v, STYLE_PLAIN, " %9s", latency_text (d, op, "p999_ns", t));
  }
}

static void
put_detail (struct view *v, const struct look *look, device *d)
{
  char *name = device_text (d, "name");
  uint64_t failures = device_count (d, "failed_reads") +
                      device_count (d, "failed_writes") +
                      device_count (d, "corrupt");

  new_line (v);
  new_line (v);
  put (v, STYLE_HEADING, " %s", name);
  put (v, STYLE_PLAIN, "  %" PRIu64 " pages: %" PRIu64 " same-filled, %"
       PRIu64 " huge", device_count (d, "pages_stored"),
       device_count (d, "same_pages"), device_count (d, "huge_pages"));
  if (failures)
    put (v, STYLE_WARNING, ", %" PRIu64 " failures", failures);
  put_data (v, d);
  put_memory (v, d);
  put_requests (v, look, d);
  free (name);
}

void
view_draw (struct view *v, int width, int height, const struct look *look)
{
  v->n = 0;
  v->width = width < 1 ? 1 : width > VIEW_WIDTH_MAX ? VIEW_WIDTH_MAX : width;
  v->height = height;
  put_title (v, look);
  if (!look->now || !look->now->n)
    return;
  put_devices (v, look);
  put_detail (v, look, state_device (look->now, look->selected));
}

/* --- For files and pipes ------------------------------------------------ */

void
view_print_heading (FILE *fp)
{
  fprintf (fp, "%-8s %-8s %10s %10s %7s %9s %9s %10s %10s %9s %9s\n", "TIME",
           "NAME", "DATA", "TOTAL", "RATIO", "READS/S", "WRITES/S", "READ/S",
           "WRITE/S", "READ-P99", "WRITE-P99");
}

static void
print_row (FILE *fp, const struct look *look, device *d, const char *when)
{
  static const char *const rates[] = { "reads", "writes" };
  static const char *const byte_rates[] = { "read_bytes", "write_bytes" };
  static const char *const times[] = { "latency.read.p99_ns",
                                       "latency.write.p99_ns" };
  device *before = same_before (look, d);
  char *name = device_text (d, "name"), t[SIZE_TEXT];
  uint64_t ratio = device_ratio (d);
  unsigned i;

  fprintf (fp, "%-8s %-8s", when, name);
  fprintf (fp, " %10s", size_text (device_count (d, "orig_data_size"), t));
  fprintf (fp, " %10s", size_text (device_count (d, "mem_used_total"), t));
  fprintf (fp, " %4" PRIu64 ".%02" PRIu64, ratio / 10000,
           ratio % 10000 / 100);
  for (i = 0; i < 2; i++)
    fprintf (fp, " %9" PRIu64, rate (look, d, before, rates[i]));
  for (i = 0; i < 2; i++)
    fprintf (fp, " %10s",
             size_text (rate (look, d, before, byte_rates[i]), t));
  for (i = 0; i < 2; i++)
    fprintf (fp, " %9s", time_text (device_count (d, times[i]), t));
  putc ('\n', fp);
  free (name);
}

void
view_print_rows (FILE *fp, const struct look *look, const char *when)
{
  unsigned i;

  for (i = 0; i < look->now->n; i++)
    print_row (fp, look, state_device (look->now, i), when);
}
