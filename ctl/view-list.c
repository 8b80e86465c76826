/* nbdzramctl: the list of devices of `top'.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A table has the columns, those first that fit on any terminal.  What does
 * not fit is on a second line, where there is room for one.
 */

#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "sizes.h"
#include "view.h"

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
view_sort_name (unsigned i)
{
  return i < N_COLUMNS ? columns[i].name : NULL;
}

/* --- What stands in a column -------------------------------------------- */

/* What it is sorted by, and for numbers all that there is to it. */
static uint64_t
value_of (const struct list_column *c, const struct look *look, device *d)
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
  span = look_span (look, d);
  return c->kind == READ_P99 ? span_quantile (&span, &operations[0], 990)
    : c->kind == WRITE_P99 ? span_quantile (&span, &operations[1], 990)
    : span_rate (&span, c->path);
}

/* To be freed. */
static char *
text_of (const struct list_column *c, const struct look *look, device *d)
{
  const struct attached *a;
  char *text;

  if (c->kind == TEXT)
    text = device_text (d, c->path);
  else {
    char *name = device_text (d, "name");

    a = attached_by_export (look->now->attached, name);
    text = !a ? NULL : a->mountpoint ? text_escape (a->mountpoint)
      : must_printf ("/dev/%s", a->device);
    free (name);
  }
  return text ? text : must_copy (c->kind == TEXT ? "?" : "");
}

static char *
cell_of (const struct list_column *c, const struct look *look, device *d)
{
  uint64_t n = value_of (c, look, d);
  char text[SIZE_TEXT];

  switch (c->kind) {
  case TEXT: case MOUNT:
    return text_of (c, look, d);
  case LIMIT:
    return must_copy (n ? size_text (n, text) : "none");
  case SIZE:
    return must_copy (size_text (n, text));
  case RATIO:
    return must_printf ("%.2f", (double) n / 10000);
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
  unsigned i;                   /* where it was: the order is a stable one */
};

static int
compare (const void *a, const void *b)
{
  const struct entry *x = a, *y = b;
  int r = strverscmp (x->text, y->text);

  /* The largest first, and what is not known last. */
  if (r == 0 && x->value != y->value)
    r = x->value == RATE_UNKNOWN || (y->value != RATE_UNKNOWN &&
                                     x->value < y->value) ? 1 : -1;
  return r ? r : (x->i > y->i) - (x->i < y->i);
}

void
view_sort (struct look *look)
{
  const struct list_column *c = &columns[look->sort];
  bool is_text = c->kind == TEXT || c->kind == MOUNT;
  struct entry *entries = must_alloc (look->n, sizeof *entries);
  unsigned i;

  for (i = 0; i < look->n; i++) {
    device *d = look->devices[i];

    entries[i] = (struct entry) {
      .d = d, .i = i, .value = value_of (c, look, d),
      .text = is_text ? text_of (c, look, d) : must_copy (""),
    };
  }
  qsort (entries, look->n, sizeof *entries, compare);
  for (i = 0; i < look->n; i++) {
    look->devices[look->reverse ? look->n - 1 - i : i] = entries[i].d;
    free (entries[i].text);
  }
  free (entries);
}

/* --- Lines -------------------------------------------------------------- */

static int
width_of (const struct list_column *c)
{
  return 1 + abs (c->width);
}

/* How many columns there is room for: those that always are, and more. */
static unsigned
columns_shown (const struct view *v)
{
  int width = 0;
  unsigned i;

  for (i = 0; i < N_COLUMNS; i++) {
    width += width_of (&columns[i]);
    if (columns[i].after && width > v->width)
      break;
  }
  return i;
}

static void
put_heading (struct view *v, const struct look *look, unsigned n)
{
  unsigned i;

  view_line (v);
  for (i = 0; i < n; i++) {
    const struct list_column *c = &columns[i];
    int pad = abs (c->width) - (int) strlen (c->name);

    view_put (v, STYLE_HEADING, " %*s", c->width > 0 ? pad : 0, "");
    view_put (v, i == look->sort ? STYLE_SORT : STYLE_HEADING, "%s", c->name);
    view_put (v, STYLE_HEADING, "%*s", c->width < 0 ? pad : 0, "");
  }
  view_fill (v, STYLE_HEADING);
}

static void
put_device (struct view *v, const struct look *look, device *d,
            bool selected, unsigned n)
{
  enum style style = selected ? STYLE_SELECTED : STYLE_PLAIN;
  unsigned i;

  view_line (v);
  for (i = 0; i < n; i++) {
    char *text = cell_of (&columns[i], look, d);

    view_put (v, style, " %*.20s", columns[i].width, text);
    free (text);
  }
  view_fill (v, style);
}

static bool
worth_a_word (const char *text)
{
  static const char *const nothing[] = { "", "-", "0", "0B", "none", "off" };
  size_t i;

  for (i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
    if (strcmp (text, nothing[i]) == 0)
      return false;
  return true;
}

/* "   swap safe, limit 1G, compressed 380K": what there is, and fits. */
static void
put_more (struct view *v, const struct look *look, device *d, unsigned from)
{
  const char *comma = "   ";
  unsigned i;

  for (i = from; i < N_COLUMNS; i++) {
    char *text = cell_of (&columns[i], look, d);
    size_t n = strlen (text) + strlen (columns[i].after) + 3;

    if (worth_a_word (text)) {
      if (*comma == ' ')
        view_line (v);
      n += strlen (v->lines[v->n - 1].text);
      if (n <= (size_t) v->width) {
        view_put (v, STYLE_LABEL, "%s%s ", comma, columns[i].after);
        view_put (v, STYLE_PLAIN, "%s", text);
        comma = ", ";
      }
    }
    free (text);
  }
}

/* Lines for devices, leaving those below; at least one, and a third of the
 * screen if they want it.
 */
static unsigned
lines_for (const struct view *v, int detail)
{
  int left = v->height - v->n - 2 - detail, third = v->height / 3;

  left = left < third ? third : left;
  return left < 1 ? 1 : (unsigned) left;
}

/* Those that there is room for, the one selected among them. */
void
view_list (struct view *v, const struct look *look, int detail)
{
  unsigned n = look->n, room = n, first = 0, i, shown = columns_shown (v);
  unsigned lines = v->height ? lines_for (v, detail) : UINT32_MAX;
  bool more = shown < N_COLUMNS &&
    (!v->height || v->height - v->n - 1 - detail >= 2 * (int) n);

  room = lines < n ? lines : n;
  if (look->selected >= room)
    first = look->selected - room + 1;
  put_heading (v, look, shown);
  for (i = first; i < first + room; i++) {
    put_device (v, look, look->devices[i], i == look->selected, shown);
    if (more)
      put_more (v, look, look->devices[i], shown);
  }
  if (room < n) {
    view_line (v);
    view_put (v, STYLE_LABEL, " and %u more; the arrow keys choose",
              n - room);
  }
}
