/* nbdzramctl: what `top' shows.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is drawn on a grid: --once prints that, and ncurses only copies it.
 */

#ifndef TOP_DRAW_H
#define TOP_DRAW_H

#include "grid.h"
#include "rates.h"
#include "top-fetch.h"

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

/* Draw all of it: a title, the list, and the device selected in full.  height
 * is 0 where lines are not limited.
 */
extern void draw_screen (struct grid *g, int width, int height,
                         const struct shown *shown);

/* Draw the list of devices, a line or two each; detail: how many lines are
 * wanted below.
 */
extern void draw_list (struct grid *g, const struct shown *shown, int detail);

/* Draw one device in full. */
enum { DRAW_DETAIL_LINES = 20 };
extern void draw_detail (struct grid *g, const struct shown *shown, device *d);

/* Put shown->devices in order. */
extern void draw_sort (struct shown *shown);

/* Return the name of a column to sort by; NULL past the last. */
extern const char *draw_sort_name (unsigned i);

/* Print a line for each device, for files and pipes, and the heading. */
extern void draw_rows_heading (FILE *fp);
extern void draw_rows (FILE *fp, const struct shown *shown,
                       const char *when);

/* Return what happened to a device since the fetch before. */
extern struct span shown_span (const struct shown *shown, device *d);

#endif /* TOP_DRAW_H */
