/* nbdzramctl: what `top' shows: lines, bars, and what is around the rest.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * From top to bottom: a title, the devices, and the one selected in full.
 */

#include <config.h>

#include <inttypes.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "grid.h"
#include "message.h"
#include "must.h"
#include "timeout.h"

void
grid_init (struct grid *g)
{
  memset (g, 0, sizeof *g);
  g->lines = must_alloc (GRID_LINES_MAX, sizeof *g->lines);
  g->unicode = strcmp (nl_langinfo (CODESET), "UTF-8") == 0;
}

void
grid_free (struct grid *g)
{
  free (g->lines);
}

/* --- Lines -------------------------------------------------------------- */

void
grid_line (struct grid *g)
{
  if (g->n < GRID_LINES_MAX)
    g->n++;
  memset (&g->lines[g->n - 1], 0, sizeof g->lines[0]);
}

/* Add to the last line; what does not fit is cut off. */
void
grid_put (struct grid *g, enum style style, const char *format, ...)
{
  struct grid_line *line = &g->lines[g->n - 1];
  size_t at = strlen (line->text), n;
  va_list args;

  va_start (args, format);
  vsnprintf (line->text + at, (size_t) g->width + 1 - at, format, args);
  va_end (args);
  n = strlen (line->text) - at;
  memset (line->style + at, style, n);
}

/* Fill the last line up, so that its style reaches the edge. */
void
grid_fill (struct grid *g, enum style style)
{
  int at = (int) strlen (g->lines[g->n - 1].text);

  grid_put (g, style, "%*s", g->width - at, "");
}

/* To an eighth of a cell where there are such glyphs. */
void
grid_bar (struct grid *g, enum style style, uint64_t part, uint64_t whole,
          int width)
{
  unsigned parts = g->unicode && style != STYLE_FREE ? CELL_EIGHTHS : 1;
  unsigned i, n = 0, full;
  int cell = style == STYLE_FREE ? g->unicode ? CELL_SHADE : '-'
    : g->unicode ? CELL_BLOCK + CELL_EIGHTHS : '#';

  if (whole)
    n = (unsigned) ((__uint128_t) (part < whole ? part : whole) *
                    ((unsigned) width * parts) / whole);
  /* What is there is seen. */
  if (part && !n)
    n = 1;
  full = n / parts;
  for (i = 0; i < full; i++)
    grid_put (g, style, "%c", cell);
  if (n % parts)
    grid_put (g, style, "%c", (int) (CELL_BLOCK + n % parts));
}

const char *
grid_cell (char cell)
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
grid_print (const struct grid *g, FILE *fp)
{
  size_t n, i;
  int y;

  for (y = 0; y < g->n; y++) {
    const char *text = g->lines[y].text;

    for (n = strlen (text); n && text[n - 1] == ' '; n--)
      ;
    for (i = 0; i < n; i++)
      fputs (grid_cell (text[i]), fp);
    putc ('\n', fp);
  }
}

/* --- The frame ---------------------------------------------------------- */

struct span
shown_span (const struct shown *shown, device *d)
{
  struct span span = { .now = d };
  char *name;

  if (!shown->before)
    return span;
  name = device_text (d, "name");
  span.before = server_find (&shown->before->server, name);
  span.ns = shown->now->ns - shown->before->ns;
  free (name);
  return span;
}

static void
put_title (struct grid *g, const struct shown *shown)
{
  char *uri = text_escape (shown->uri);

  grid_line (g);
  grid_put (g, STYLE_TITLE, " " PROGRAM " top  %u device%s", shown->n,
            shown->n == 1 ? "" : "s");
  if (shown->before)
    grid_put (g, STYLE_TITLE, ", over %.1f s",
              (double) (shown->now->ns - shown->before->ns) / 1e9);
  if (shown->sort || shown->reverse)
    grid_put (g, STYLE_TITLE, ", by %s%s", draw_sort_name (shown->sort),
              shown->reverse ? ", reversed" : "");
  grid_put (g, STYLE_TITLE, "%s  %s", g->height ? "  ?: help" : "", uri);
  grid_fill (g, STYLE_TITLE);
  free (uri);
  if (shown->trouble) {
    grid_line (g);
    grid_put (g, STYLE_WARNING, " last answer %" PRIu64 " s ago: %s",
              shown->age_ns / SECOND, shown->trouble);
  }
}

static void
put_help (struct grid *g, const char *text)
{
  size_t n;

  for (; *text; text += n + (text[n] == '\n')) {
    n = strcspn (text, "\n");
    grid_line (g);
    grid_put (g, STYLE_PLAIN, " %.*s", (int) n, text);
  }
}

void
draw_screen (struct grid *g, int width, int height, const struct shown *shown)
{
  g->n = 0;
  g->width = width < 1 ? 1 : width > GRID_WIDTH_MAX ? GRID_WIDTH_MAX : width;
  g->height = height;
  put_title (g, shown);
  if (shown->help)
    put_help (g, shown->help);
  else if (!shown->n) {
    grid_line (g);
    grid_put (g, STYLE_PLAIN, " there is no device to show");
  }
  else {
    draw_list (g, shown, shown->no_detail ? 0 : DRAW_DETAIL_LINES);
    if (!shown->no_detail)
      draw_detail (g, shown, shown->devices[shown->selected]);
  }
}
