/* nbdzramctl: what `top' shows: the title, and what is below it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "message.h"
#include "must.h"
#include "timeout.h"
#include "top-draw.h"

struct span
shown_span (const struct shown *shown, device *d)
{
  FREED char *name = device_text (d, "name");
  struct span span = { .now = d };

  if (shown->before) {
    span.before = server_find (&shown->before->server, name);
    span.ns = shown->now->ns - shown->before->ns;
  }
  return span;
}

static void
draw_trouble (struct grid *g, const struct shown *shown)
{
  grid_line (g);
  grid_put (g, STYLE_WARNING, " last answer %" PRIu64 " s ago: %s",
            shown->age_ns / SECOND, shown->trouble);
}

static void
draw_title (struct grid *g, const struct shown *shown)
{
  FREED char *uri = text_escape (shown->uri);

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
  if (shown->trouble)
    draw_trouble (g, shown);
}

static void
draw_help (struct grid *g, const char *text)
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
  draw_title (g, shown);
  if (shown->help)
    draw_help (g, shown->help);
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
