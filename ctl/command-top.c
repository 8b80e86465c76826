/* nbdzramctl: the command top.
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
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "message.h"
#include "number.h"
#include "terminal.h"
#include "timeout.h"
#include "top.h"

static void
top_sleep_until (uint64_t ns)
{
  struct timespec t = { (time_t) (ns / SECOND), (long) (ns % SECOND) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

/* Return the width that shells put into COLUMNS, or 80. */
static int
top_columns (void)
{
  const char *s = getenv ("COLUMNS");
  int n = 0;

  return s && number_integer (s, &n) == 0 && n > 0 ? n : 80;
}

static int
top_print_once (struct top *top)
{
  struct shown shown;
  struct grid g;

  top_sleep_until (top->now->ns + top->interval_ns);
  if (top_take (top) < 0)
    return failed ();
  shown = top_shown (top);
  grid_init (&g);
  draw_screen (&g, top_columns (), 0, &shown);
  grid_print (&g, stdout);
  grid_free (&g);
  free (shown.devices);
  return EXIT_OK;
}

static void
top_print_devices (struct top *top)
{
  struct shown shown = top_shown (top);
  time_t now = time (NULL);
  char when[16];

  strftime (when, sizeof when, "%H:%M:%S", localtime (&now));
  draw_rows (stdout, &shown, when);
  free (shown.devices);
}

static int
top_print_rows (struct top *top, bool heading)
{
  uint64_t next = clock_ns ();

  if (heading)
    draw_rows_heading (stdout);
  for (;;) {
    next += top->interval_ns;
    top_sleep_until (next);
    if (top_take (top) < 0)
      return failed ();
    top_print_devices (top);
    if (fflush (stdout) != 0)
      return EXIT_OK;
  }
}

/* Read SECONDS, perhaps with a fraction, from 0.1 to a day. */
static int
top_parse_interval (const char *text, uint64_t *ns)
{
  const uint64_t least = SECOND / 10, most = SECOND * 86400;

  if (!text)
    *ns = SECOND;
  else if (number_seconds (text, ns) < 0 || *ns < least || *ns > most)
    return -1;
  return 0;
}

int
command_top (const struct options *o, int argc, char **argv)
{
  struct top top = { .uri = o->uri };
  bool terminal = isatty (STDOUT_FILENO) && isatty (STDIN_FILENO);
  int r;

  if (top_parse_interval (o->interval, &top.interval_ns) < 0)
    return usage ("--interval %s: say a number of seconds, from 0.1 on",
                  o->interval);
  setlocale (LC_CTYPE, "");
  /* Check this before the server is asked, which may be slow to answer. */
  if (terminal && !o->once && terminal_check () < 0)
    return failed ();
  /* If the first look fails there is nothing to show: say so and end. */
  if (top_take (&top) < 0 || top_choose (&top, argc, argv) < 0)
    r = failed ();
  else
    r = o->once ? top_print_once (&top)
      : terminal ? top_watch (&top)
      : top_print_rows (&top, !o->noheadings);
  top_free (&top);
  return r;
}
