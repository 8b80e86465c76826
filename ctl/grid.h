/* nbdzramctl: lines of styled text, made without a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef GRID_H
#define GRID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum style {
  STYLE_PLAIN, STYLE_TITLE, STYLE_HEADING, STYLE_SORT, STYLE_SELECTED,
  STYLE_LABEL, STYLE_DATA, STYLE_HELD, STYLE_FREE, STYLE_WARNING, STYLES
};

enum { GRID_WIDTH_MAX = 400, GRID_LINES_MAX = 400 };

/* A byte is a cell of the screen: ASCII, or from CELL_BLOCK on a glyph. */
struct grid_line {
  char text[GRID_WIDTH_MAX + 1];
  unsigned char style[GRID_WIDTH_MAX];
};
enum { CELL_BLOCK = 0x80, CELL_EIGHTHS = 8, CELL_SHADE = 0x89 };

struct grid {
  int width, height;            /* height 0: as many lines as it takes */
  bool unicode;                 /* the terminal shows UTF-8 */
  int n;                        /* lines so far */
  struct grid_line *lines;
};

/* Make an empty one; it takes UTF-8 if the locale does. */
extern void grid_init (struct grid *g);
extern void grid_free (struct grid *g);

/* Begin a line. */
extern void grid_line (struct grid *g);

/* Add to the last line; what does not fit is cut off. */
extern void grid_put (struct grid *g, enum style style,
                      const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

/* Fill the last line up, so that its style reaches the edge. */
extern void grid_fill (struct grid *g, enum style style);

/* Add a bar of part / whole of width cells, to an eighth of a cell where
 * there are such glyphs.
 */
extern void grid_bar (struct grid *g, enum style style, uint64_t part,
                      uint64_t whole, int width);

/* Return a cell as text; it stays so until the next call. */
extern const char *grid_cell (char cell);

/* Print all lines, without the blanks at their ends. */
extern void grid_print (const struct grid *g, FILE *fp);

#endif /* GRID_H */
