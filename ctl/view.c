/* nbdzramctl: what `top' shows: lines, bars, and what is around the rest.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * From top to bottom: a title, the devices, and the one selected in full.
 */

#include <config.h>

#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "view.h"

#define SECOND UINT64_C (1000000000)

void
view_init (struct view *v)
{
  memset (v, 0, sizeof *v);
  v->lines = must_alloc (VIEW_LINES_MAX, sizeof *v->lines);
  v->unicode = strcmp (nl_langinfo (CODESET), "UTF-8") == 0;
}

void
view_free (struct view *v)
{
  free (v->lines);
}

/* --- Lines -------------------------------------------------------------- */

void
view_line (struct view *v)
{
  if (v->n < VIEW_LINES_MAX)
    v->n++;
  memset (&v->lines[v->n - 1], 0, sizeof v->lines[0]);
}

/* Add to the last line; what does not fit is cut off. */
void
view_put (struct view *v, enum style style, const char *format, ...)
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
void
view_fill (struct view *v, enum style style)
{
  int at = (int) strlen (v->lines[v->n - 1].text);

  view_put (v, style, "%*s", v->width - at, "");
}

/* To an eighth of a cell where there are such glyphs. */
void
view_bar (struct view *v, enum style style, uint64_t part, uint64_t whole,
          int width)
{
  unsigned parts = v->unicode && style != STYLE_FREE ? CELL_EIGHTHS : 1;
  unsigned i, n = 0, full;
  int cell = style == STYLE_FREE ? v->unicode ? CELL_SHADE : '-'
    : v->unicode ? CELL_BLOCK + CELL_EIGHTHS : '#';

  if (whole)
    n = (unsigned) ((__uint128_t) (part < whole ? part : whole) *
                    ((unsigned) width * parts) / whole);
  /* What is there is seen. */
  if (part && !n)
    n = 1;
  full = n / parts;
  for (i = 0; i < full; i++)
    view_put (v, style, "%c", cell);
  if (n % parts)
    view_put (v, style, "%c", (int) (CELL_BLOCK + n % parts));
}

const char *
view_cell (char cell)
{
  static const char *const glyphs[] = {
    [1] = "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a",
    "\u2589", "\u2588",
    [CELL_SHADE - CELL_BLOCK] = "\u2591",
  };
  static char ascii[128][2];
  unsigned char c = (unsigned char) cell;

  if (c > CELL_BLOCK && c <= CELL_SHADE)
    return glyphs[c - CELL_BLOCK];
  c = c < 128 ? c : '?';
  ascii[c][0] = (char) c;
  return ascii[c];
}

void
view_print (const struct view *v, FILE *fp)
{
  size_t n, i;
  int y;

  for (y = 0; y < v->n; y++) {
    const char *text = v->lines[y].text;

    for (n = strlen (text); n && text[n - 1] == ' '; n--)
      ;
    for (i = 0; i < n; i++)
      fputs (view_cell (text[i]), fp);
    putc ('\n', fp);
  }
}

/* --- The frame ---------------------------------------------------------- */

struct span
look_span (const struct look *look, device *d)
{
  struct span span = { .now = d };
  char *name;

  if (!look->before)
    return span;
  name = device_text (d, "name");
  span.before = state_find (&look->before->state, name);
  span.ns = look->now->ns - look->before->ns;
  free (name);
  return span;
}

static void
put_title (struct view *v, const struct look *look)
{
  char *uri = text_escape (look->uri);

  view_line (v);
  view_put (v, STYLE_TITLE, " " PROGRAM " top  %u device%s", look->n,
            look->n == 1 ? "" : "s");
  if (look->before)
    view_put (v, STYLE_TITLE, ", over %.1f s",
              (double) (look->now->ns - look->before->ns) / 1e9);
  if (look->sort || look->reverse)
    view_put (v, STYLE_TITLE, ", by %s%s", view_sort_name (look->sort),
              look->reverse ? ", reversed" : "");
  view_put (v, STYLE_TITLE, "%s  %s", v->height ? "  ?: help" : "", uri);
  view_fill (v, STYLE_TITLE);
  free (uri);
  if (look->trouble) {
    view_line (v);
    view_put (v, STYLE_WARNING, " last answer %" PRIu64 " s ago: %s",
              look->age_ns / SECOND, look->trouble);
  }
}

static void
put_help (struct view *v, const char *text)
{
  size_t n;

  for (; *text; text += n + (text[n] == '\n')) {
    n = strcspn (text, "\n");
    view_line (v);
    view_put (v, STYLE_PLAIN, " %.*s", (int) n, text);
  }
}

void
view_draw (struct view *v, int width, int height, const struct look *look)
{
  v->n = 0;
  v->width = width < 1 ? 1 : width > VIEW_WIDTH_MAX ? VIEW_WIDTH_MAX : width;
  v->height = height;
  put_title (v, look);
  if (look->help)
    put_help (v, look->help);
  else if (!look->n) {
    view_line (v);
    view_put (v, STYLE_PLAIN, " there is no device to show");
  }
  else {
    view_list (v, look, look->no_detail ? 0 : VIEW_DETAIL_LINES);
    if (!look->no_detail)
      view_detail (v, look, look->devices[look->selected]);
  }
}
