/* nbdzramctl: a screen as lines of styled text.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What `top' shows is made here without a terminal, so that --once prints
 * the same, and ncurses only copies it.
 */

#ifndef VIEW_H
#define VIEW_H

#include "glance.h"
#include "rates.h"

enum style {
  STYLE_PLAIN, STYLE_TITLE, STYLE_HEADING, STYLE_SORT, STYLE_SELECTED,
  STYLE_LABEL, STYLE_DATA, STYLE_HELD, STYLE_FREE, STYLE_WARNING, STYLES
};

enum { VIEW_WIDTH_MAX = 400, VIEW_LINES_MAX = 400 };

/* A byte is a cell of the screen: ASCII, or from CELL_BLOCK on a glyph. */
struct view_line {
  char text[VIEW_WIDTH_MAX + 1];
  unsigned char style[VIEW_WIDTH_MAX];
};
enum { CELL_BLOCK = 0x80, CELL_EIGHTHS = 8, CELL_SHADE = 0x89 };

struct view {
  int width, height;            /* height 0: as many lines as it takes */
  bool unicode;                 /* the terminal shows UTF-8 */
  int n;                        /* lines so far */
  struct view_line *lines;
};

/* What is on the screen. */
struct look {
  const char *uri, *trouble;    /* trouble: NULL, or why nothing is new */
  const char *help;             /* NULL, or text to show instead */
  const struct glance *now, *before;    /* either may be NULL */
  uint64_t age_ns;              /* of now */
  device **devices;             /* of now: those shown, in their order */
  unsigned n, selected;         /* the one selected is shown in full */
  unsigned sort;                /* a column of the list */
  bool reverse, no_detail;
};

/* view.c */
extern void view_init (struct view *v);
extern void view_free (struct view *v);
extern void view_draw (struct view *v, int width, int height,
                       const struct look *look);
/* A cell as text, and the whole without what is blank at ends of lines. */
extern const char *view_cell (char cell);
extern void view_print (const struct view *v, FILE *fp);

/* What the parts of a screen are made of. */
extern void view_line (struct view *v);
extern void view_put (struct view *v, enum style style,
                      const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));
extern void view_fill (struct view *v, enum style style);
extern void view_bar (struct view *v, enum style style, uint64_t part,
                      uint64_t whole, int width);
extern struct span look_span (const struct look *look, device *d);

/* view-list.c: the devices, a line or two each; detail: how many lines are
 * wanted below.
 */
extern void view_list (struct view *v, const struct look *look, int detail);
/* The name of a column to sort by; NULL past the last. */
extern const char *view_sort_name (unsigned i);
/* Put look->devices in order. */
extern void view_sort (struct look *look);

/* view-detail.c: one device in full. */
enum { VIEW_DETAIL_LINES = 20 };
extern void view_detail (struct view *v, const struct look *look, device *d);

/* view-rows.c: a line for each device, for files and pipes. */
extern void view_print_heading (FILE *fp);
extern void view_print_rows (FILE *fp, const struct look *look,
                             const char *when);

#endif /* VIEW_H */
