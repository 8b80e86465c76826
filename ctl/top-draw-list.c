/* nbdzramctl: the list of devices of `top'.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A table has the columns, those first that fit on any terminal.  What does
 * not fit is on a second line, where there is room for one.
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "must.h"
#include "number-text.h"
#include "top-draw.h"

enum kind {
  TEXT, SIZE, LIMIT, COUNT, RATIO, RATE, BYTE_RATE, READ_P99, WRITE_P99, MOUNT
};

static const struct list_column {
  const char *name;
  int width;                    /* negative: at the left */
  enum kind kind;
  const char *path;
  const char *after;            /* what it is called on the second line */
} columns[] = {
  { "NAME", -8, TEXT, "name", NULL },
  { "ALGORITHM", -9, TEXT, "algorithm", NULL },
  { "SIZE", 7, SIZE, "disksize", NULL },
  { "DATA", 7, SIZE, "orig_data_size", NULL },
  { "TOTAL", 7, SIZE, "mem_used_total", NULL },
  { "RATIO", 7, RATIO, NULL, NULL },
  { "READS/S", 8, RATE, "reads", NULL },
  { "WRITES/S", 8, RATE, "writes", NULL },
  { "CONN", 5, COUNT, "connections", NULL },
  { "SWAP", 6, TEXT, "swap", "swap" },
  { "LIMIT", 7, LIMIT, "mem_limit", "limit" },
  { "COMPR", 7, SIZE, "compr_data_size", "compressed" },
  { "MOUNTPOINT", -16, MOUNT, NULL, "at" },
  { "READ/S", 8, BYTE_RATE, "read_bytes", "read/s" },
  { "WRITE/S", 8, BYTE_RATE, "write_bytes", "write/s" },
  { "SAME", 7, COUNT, "same_pages", "same" },
  { "HUGE", 7, COUNT, "huge_pages", "huge" },
  { "READ-P99", 8, READ_P99, NULL, "p99 of reads" },
  { "WRITE-P99", 9, WRITE_P99, NULL, "p99 of writes" },
};
#define N_COLUMNS (sizeof columns / sizeof columns[0])

const char *
draw_sort_name (unsigned i)
{
  return i < N_COLUMNS ? columns[i].name : NULL;
}

/* --- What stands in a column -------------------------------------------- */

/* Return the number in a column, by which it is sorted; 0 for texts. */
static uint64_t
list_value (const struct list_column *c, const struct shown *shown, device *d)
{
  struct span span;

  switch (c->kind) {
  case TEXT: case MOUNT:
    return 0;
  case SIZE: case LIMIT: case COUNT:
    return device_count (d, c->path);
  case RATIO:
    return device_ratio (d);
  case RATE: case BYTE_RATE: case READ_P99: case WRITE_P99:
    break;
  }
  span = shown_span (shown, d);
  return c->kind == READ_P99 ? span_quantile (&span, &operations[0], 990)
    : c->kind == WRITE_P99 ? span_quantile (&span, &operations[1], 990)
    : span_rate (&span, c->path);
}

/* Return where a device is: its mount point, or else /dev/nbdN.  To be freed.
 */
static char *
list_place (const struct shown *shown, device *d)
{
  FREED char *name = device_text (d, "name");
  const struct attached *a = attached_by_export (shown->now->attached, name);

  if (!a)
    return must_copy ("");
  return a->mountpoint ? text_escape (a->mountpoint)
                       : must_printf ("/dev/%s", a->device);
}

/* Return the text in a column.  To be freed. */
static char *
list_text (const struct list_column *c, const struct shown *shown, device *d)
{
  char *text = c->kind == TEXT ? device_text (d, c->path)
                               : list_place (shown, d);

  return text ? text : must_copy ("?");
}

static char *
list_cell (const struct list_column *c, const struct shown *shown, device *d)
{
  uint64_t n = list_value (c, shown, d);
  char text[SIZE_TEXT];

  switch (c->kind) {
  case TEXT: case MOUNT:
    return list_text (c, shown, d);
  case LIMIT:
    return must_copy (n ? size_text (n, text) : "none");
  case SIZE:
    return must_copy (size_text (n, text));
  case RATIO:
    return must_copy (ratio_text (n, text));
  case COUNT: case RATE:
    return must_copy (n == RATE_UNKNOWN ? "-" : count_text (n, text));
  case BYTE_RATE:
    return must_copy (n == RATE_UNKNOWN ? "-" : size_text (n, text));
  case READ_P99: case WRITE_P99:
    return must_copy (n == RATE_UNKNOWN ? "-" : time_text (n, text));
  }
  return NULL;
}

/* --- Their order -------------------------------------------------------- */

struct entry {
  device *d;
  char *text;
  uint64_t value;
  unsigned i;                   /* its place before: equals keep it */
};

static int
list_order (const void *a, const void *b)
{
  const struct entry *x = a, *y = b;
  int r = strverscmp (x->text, y->text);

  /* Put the largest first, and what is not known last. */
  if (r == 0 && x->value != y->value)
    r = x->value == RATE_UNKNOWN || (y->value != RATE_UNKNOWN &&
                                     x->value < y->value) ? 1 : -1;
  return r ? r : (x->i > y->i) - (x->i < y->i);
}

void
draw_sort (struct shown *shown)
{
  const struct list_column *c = &columns[shown->sort];
  bool is_text = c->kind == TEXT || c->kind == MOUNT;
  struct entry *entries = must_alloc (shown->n, sizeof *entries);
  unsigned i;

  for (i = 0; i < shown->n; i++) {
    device *d = shown->devices[i];

    entries[i] = (struct entry) {
      .d = d, .i = i, .value = list_value (c, shown, d),
      .text = is_text ? list_text (c, shown, d) : must_copy (""),
    };
  }
  qsort (entries, shown->n, sizeof *entries, list_order);
  for (i = 0; i < shown->n; i++) {
    shown->devices[shown->reverse ? shown->n - 1 - i : i] = entries[i].d;
    free (entries[i].text);
  }
  free (entries);
}

/* --- Lines -------------------------------------------------------------- */

static int
list_width (const struct list_column *c)
{
  return 1 + abs (c->width);
}

/* Return how many columns fit: those that are always shown, and more. */
static unsigned
list_columns (const struct grid *g)
{
  int width = 0;
  unsigned i;

  for (i = 0; i < N_COLUMNS; i++) {
    width += list_width (&columns[i]);
    if (columns[i].after && width > g->width)
      break;
  }
  return i;
}

static void
list_heading (struct grid *g, const struct shown *shown, unsigned n)
{
  unsigned i;

  grid_line (g);
  for (i = 0; i < n; i++) {
    const struct list_column *c = &columns[i];
    int pad = abs (c->width) - (int) strlen (c->name);

    grid_put (g, STYLE_HEADING, " %*s", c->width > 0 ? pad : 0, "");
    grid_put (g, i == shown->sort ? STYLE_SORT : STYLE_HEADING, "%s", c->name);
    grid_put (g, STYLE_HEADING, "%*s", c->width < 0 ? pad : 0, "");
  }
  grid_fill (g, STYLE_HEADING);
}

static void
list_line (struct grid *g, const struct shown *shown, device *d,
           bool selected, unsigned n)
{
  enum style style = selected ? STYLE_SELECTED : STYLE_PLAIN;
  unsigned i;

  grid_line (g);
  for (i = 0; i < n; i++) {
    char *text = list_cell (&columns[i], shown, d);

    grid_put (g, style, " %*.20s", columns[i].width, text);
    free (text);
  }
  grid_fill (g, style);
}

static bool
list_is_worth (const char *text)
{
  static const char *const nothing[] = { "", "-", "0", "0B", "none", "off" };
  size_t i;

  for (i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
    if (strcmp (text, nothing[i]) == 0)
      return false;
  return true;
}

/* Draw the rest of the columns, as many as fit, except those that say nothing:
 * "   swap safe, limit 1G, compressed 380K".
 */
static void
list_more (struct grid *g, const struct shown *shown, device *d, unsigned from)
{
  const char *comma = "   ";
  unsigned i;

  for (i = from; i < N_COLUMNS; i++) {
    char *text = list_cell (&columns[i], shown, d);
    size_t n = strlen (text) + strlen (columns[i].after) + 3;

    if (list_is_worth (text)) {
      if (*comma == ' ')
        grid_line (g);
      n += strlen (g->lines[g->n - 1].text);
      if (n <= (size_t) g->width) {
        grid_put (g, STYLE_LABEL, "%s%s ", comma, columns[i].after);
        grid_put (g, STYLE_PLAIN, "%s", text);
        comma = ", ";
      }
    }
    free (text);
  }
}

/* Return how many lines there are for devices: at least one, and a third of
 * the screen, even if less than is wanted is left below.
 */
static unsigned
list_lines (const struct grid *g, int detail)
{
  int left = g->height - g->n - 2 - detail, third = g->height / 3;

  left = left < third ? third : left;
  return left < 1 ? 1 : (unsigned) left;
}

/* Draw the devices that fit; the one selected is among them. */
void
draw_list (struct grid *g, const struct shown *shown, int detail)
{
  unsigned n = shown->n, room = n, first = 0, i, n_shown = list_columns (g);
  unsigned lines = g->height ? list_lines (g, detail) : UINT32_MAX;
  bool more = n_shown < N_COLUMNS &&
    (!g->height || g->height - g->n - 1 - detail >= 2 * (int) n);

  room = lines < n ? lines : n;
  if (shown->selected >= room)
    first = shown->selected - room + 1;
  list_heading (g, shown, n_shown);
  for (i = first; i < first + room; i++) {
    list_line (g, shown, shown->devices[i], i == shown->selected, n_shown);
    if (more)
      list_more (g, shown, shown->devices[i], n_shown);
  }
  if (room < n) {
    grid_line (g);
    grid_put (g, STYLE_LABEL, " and %u more; the arrow keys choose",
              n - room);
  }
}
