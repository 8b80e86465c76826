/* nbdzramctl: `top', the devices live.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Three ways to watch: a screen; with --once that screen as text, after one
 * interval; and, when the output is no terminal, a line for each device and
 * interval until the reader goes away.
 */

#include <config.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "device-name.h"
#include "message.h"
#include "must.h"
#include "terminal.h"
#include "timeout.h"
#include "top.h"

static void
sleep_until (uint64_t ns)
{
  struct timespec t = { (time_t) (ns / SECOND), (long) (ns % SECOND) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

/* A look has ended.  A failure leaves what is known, but no rates: those of
 * a server that is away, or has been, mean nothing.
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

/* Ask the server and wait. */
static int
take (struct top *top)
{
  top_adopt (top, fetch_now (top->uri));
  return top->trouble ? fault ("%s", top->trouble) : 0;
}

static void
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

/* Those that the command line names must be there at the start. */
static int
choose (struct top *top, int argc, char **argv)
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

static void
show_devices (const struct top *top, struct shown *shown)
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
  for (i = 0; i < shown->n && top->selected; i++) {
    char *name = device_text (shown->devices[i], "name");

    if (strcmp (name, top->selected) == 0)
      shown->selected = i;
    free (name);
  }
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

  show_devices (top, &shown);
  return shown;
}

/* --- Without a terminal ------------------------------------------------- */

/* COLUMNS as shells set it, or 80. */
static int
columns_of_environment (void)
{
  const char *s = getenv ("COLUMNS");
  int n = s ? atoi (s) : 0;

  return n > 0 ? n : 80;
}

static int
print_once (struct top *top)
{
  struct shown shown;
  struct grid g;

  sleep_until (top->now->ns + top->interval_ns);
  if (take (top) < 0)
    return failed ();
  shown = top_shown (top);
  grid_init (&g);
  draw_screen (&g, columns_of_environment (), 0, &shown);
  grid_print (&g, stdout);
  grid_free (&g);
  free (shown.devices);
  return EXIT_OK;
}

static int
print_for_ever (struct top *top, bool heading)
{
  uint64_t next = clock_ns ();
  char when[16];
  struct shown shown;
  time_t now;

  if (heading)
    draw_rows_heading (stdout);
  for (;;) {
    next += top->interval_ns;
    sleep_until (next);
    if (take (top) < 0)
      return failed ();
    now = time (NULL);
    strftime (when, sizeof when, "%H:%M:%S", localtime (&now));
    shown = top_shown (top);
    draw_rows (stdout, &shown, when);
    free (shown.devices);
    if (fflush (stdout) != 0)
      return EXIT_OK;
  }
}

/* SECONDS, perhaps with a fraction, from 0.1 to a day. */
static int
interval_parse (const char *text, uint64_t *ns)
{
  char *end;
  double seconds = text ? strtod (text, &end) : 1;

  if (text && (end == text || *end || !(seconds >= 0.1 && seconds <= 86400)))
    return -1;
  *ns = (uint64_t) (seconds * 1e9);
  return 0;
}

int
command_top (const struct options *o, int argc, char **argv)
{
  struct top top = { .uri = o->uri };
  bool terminal = isatty (STDOUT_FILENO) && isatty (STDIN_FILENO);
  int r;

  if (interval_parse (o->interval, &top.interval_ns) < 0)
    return usage ("--interval %s: say a number of seconds, from 0.1 on",
                  o->interval);
  setlocale (LC_CTYPE, "");
  /* Before a server is asked, which may be slow to answer. */
  if (terminal && !o->once && terminal_check () < 0)
    return failed ();
  /* If there is nothing from the start, it is better said plainly. */
  if (take (&top) < 0 || choose (&top, argc, argv) < 0)
    r = failed ();
  else
    r = o->once ? print_once (&top)
      : terminal ? top_watch (&top)
      : print_for_ever (&top, !o->noheadings);
  top_free (&top);
  return r;
}
