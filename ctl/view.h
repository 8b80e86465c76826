/* nbdzramctl: a screen as lines of styled text.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What `top' shows is made here without a terminal, so that --once prints
 * the same, and ncurses only copies it.
 */

#ifndef VIEW_H
#define VIEW_H

#include "state.h"

enum style {
  STYLE_PLAIN, STYLE_TITLE, STYLE_HEADING, STYLE_SELECTED, STYLE_LABEL,
  STYLE_DATA, STYLE_HELD, STYLE_FREE, STYLE_WARNING, STYLES
};

enum { VIEW_WIDTH_MAX = 400, VIEW_LINES_MAX = 400 };

struct view_line {
  char text[VIEW_WIDTH_MAX + 1];
  unsigned char style[VIEW_WIDTH_MAX];
};

struct view {
  int width, height;            /* height 0: as many lines as it takes */
  int n;                        /* lines so far */
  struct view_line *lines;
};

/* What is on the screen. */
struct look {
  const char *uri, *trouble;    /* trouble: NULL, or why there is nothing */
  const struct state *now, *before;     /* before may be NULL */
  uint64_t interval_ns;         /* between these two */
  unsigned selected;            /* the device shown in full */
};

extern void view_init (struct view *v);
extern void view_free (struct view *v);
extern void view_draw (struct view *v, int width, int height,
                       const struct look *look);

/* A line for each device, for files and pipes. */
extern void view_print_heading (FILE *fp);
extern void view_print_rows (FILE *fp, const struct look *look,
                             const char *when);

#endif /* VIEW_H */
