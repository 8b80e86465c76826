/* nbdzramctl: lines of styled text, made without a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "must.h"

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

void
grid_line (struct grid *g)
{
  if (g->n < GRID_LINES_MAX)
    g->n++;
  memset (&g->lines[g->n - 1], 0, sizeof g->lines[0]);
}

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

void
grid_fill (struct grid *g, enum style style)
{
  int at = (int) strlen (g->lines[g->n - 1].text);

  grid_put (g, style, "%*s", g->width - at, "");
}

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
  /* Even the smallest part is visible. */
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
