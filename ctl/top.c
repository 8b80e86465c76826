/* nbdzramctl: what `top' knows and has to show.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device-name.h"
#include "message.h"
#include "must.h"
#include "timeout.h"
#include "top.h"

/* After a failure keep what is known, but no rates: those of a server that is
 * or was away mean nothing.
 */
void
top_adopt (struct top *top, struct fetched *f)
{
  free (top->trouble);
  top->trouble = f->trouble ? must_copy (f->trouble) : NULL;
  if (f->trouble) {
    top->stale = true;
    fetched_free (f);
    return;
  }
  fetched_free (top->before);
  top->before = top->now;
  top->now = f;
  if (top->stale) {
    fetched_free (top->before);
    top->before = NULL;
    top->stale = false;
  }
}

int
top_take (struct top *top)
{
  top_adopt (top, fetch_now (top->uri));
  return top->trouble ? fault ("%s", top->trouble) : 0;
}

void
top_free (struct top *top)
{
  int i;

  for (i = 0; i < top->n_only; i++)
    free (top->only[i]);
  free (top->only);
  fetched_free (top->now);
  fetched_free (top->before);
  free (top->trouble);
  free (top->selected);
}

/* --- Which devices ------------------------------------------------------ */

int
top_choose (struct top *top, int argc, char **argv)
{
  const struct fetched *f = top->now;

  top->only = must_alloc ((size_t) argc, sizeof *top->only);
  for (; top->n_only < argc; top->n_only++) {
    device *d = device_name_find (&f->server, f->attached, argv[top->n_only]);

    if (!d)
      return -1;
    top->only[top->n_only] = device_text (d, "name");
  }
  return 0;
}

/* Return the number of the device that is selected: the first if it is gone.
 */
static unsigned
top_find_selected (const struct top *top, const struct shown *shown)
{
  unsigned i;

  for (i = 0; i < shown->n && top->selected; i++) {
    FREED char *name = device_text (shown->devices[i], "name");

    if (strcmp (name, top->selected) == 0)
      return i;
  }
  return 0;
}

static void
top_show_devices (const struct top *top, struct shown *shown)
{
  const struct server *s = &top->now->server;
  unsigned n = top->n_only ? (unsigned) top->n_only : s->n, i;

  shown->devices = must_alloc (n, sizeof shown->devices[0]);
  for (i = 0; i < n; i++) {
    device *d = top->n_only ? server_find (s, top->only[i])
                            : server_device (s, i);

    if (d)
      shown->devices[shown->n++] = d;
  }
  draw_sort (shown);
  shown->selected = top_find_selected (top, shown);
}

struct shown
top_shown (const struct top *top)
{
  struct shown shown = {
    .uri = top->uri, .trouble = top->trouble, .now = top->now,
    .before = top->stale ? NULL : top->before,
    .age_ns = clock_ns () - top->now->ns,
    .sort = top->sort, .reverse = top->reverse, .no_detail = top->no_detail,
  };

  top_show_devices (top, &shown);
  return shown;
}

/* --- Without a terminal ------------------------------------------------- */
