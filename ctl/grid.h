/* nbdzramctl: a screen as lines of styled text.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What `top' shows is made here without a terminal, so that --once prints
 * the same, and ncurses only copies it.
 */

#ifndef GRID_H
#define GRID_H

#include <stdio.h>

#include "top-fetch.h"
#include "rates.h"

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

/* What is on the screen. */
struct shown {
  const char *uri, *trouble;    /* trouble: NULL, or why nothing is new */
  const char *help;             /* NULL, or text to show instead */
  const struct fetched *now, *before;    /* either may be NULL */
  uint64_t age_ns;              /* of now */
  device **devices;             /* of now: those shown, in their order */
  unsigned n, selected;         /* the one selected is shown in full */
  unsigned sort;                /* a column of the list */
  bool reverse, no_detail;
};

/* view.c */
extern void grid_init (struct grid *g);
extern void grid_free (struct grid *g);
extern void draw_screen (struct grid *g, int width, int height,
                         const struct shown *shown);
/* A cell as text, and the whole without what is blank at ends of lines. */
extern const char *grid_cell (char cell);
extern void grid_print (const struct grid *g, FILE *fp);

/* What the parts of a screen are made of. */
extern void grid_line (struct grid *g);
extern void grid_put (struct grid *g, enum style style,
                      const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));
extern void grid_fill (struct grid *g, enum style style);
extern void grid_bar (struct grid *g, enum style style, uint64_t part,
                      uint64_t whole, int width);
extern struct span shown_span (const struct shown *shown, device *d);

/* view-list.c: the devices, a line or two each; detail: how many lines are
 * wanted below.
 */
extern void draw_list (struct grid *g, const struct shown *shown, int detail);
/* The name of a column to sort by; NULL past the last. */
extern const char *draw_sort_name (unsigned i);
/* Put shown->devices in order. */
extern void draw_sort (struct shown *shown);

/* view-detail.c: one device in full. */
enum { DRAW_DETAIL_LINES = 20 };
extern void draw_detail (struct grid *g, const struct shown *shown, device *d);

/* view-rows.c: a line for each device, for files and pipes. */
extern void draw_rows_heading (FILE *fp);
extern void draw_rows (FILE *fp, const struct shown *shown,
                       const char *when);

#endif /* GRID_H */
