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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curses.h>

#include "ctl.h"
#include "view.h"

#define SECOND UINT64_C (1000000000)

struct top {
  const char *uri;
  uint64_t interval_ns;
  struct state now, before;
  uint64_t now_ns, before_ns;   /* when; 0: there is none */
  bool trouble;                 /* the last look failed: see fault_text */
  unsigned selected;
};

static uint64_t
clock_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * SECOND + (uint64_t) t.tv_nsec;
}

static void
sleep_until (uint64_t ns)
{
  struct timespec t = { (time_t) (ns / SECOND), (long) (ns % SECOND) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    ;
}

/* Ask the server.  A failure leaves what is known. */
static int
take (struct top *top)
{
  struct state s;

  top->trouble = state_load (top->uri, &s) < 0;
  if (top->trouble)
    return -1;
  state_free (&top->before);
  top->before = top->now;
  top->before_ns = top->now_ns;
  top->now = s;
  top->now_ns = clock_ns ();
  if (top->selected >= s.n)
    top->selected = s.n ? s.n - 1 : 0;
  return 0;
}

static struct look
look_of (const struct top *top)
{
  return (struct look) {
    .uri = top->uri,
    .trouble = top->trouble ? fault_text () : NULL,
    .now = top->now_ns ? &top->now : NULL,
    .before = top->before_ns ? &top->before : NULL,
    .interval_ns = top->before_ns ? top->now_ns - top->before_ns : 0,
    .selected = top->selected,
  };
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
  struct look look;
  struct view v;
  int i;

  if (take (top) < 0)
    return failed ();
  sleep_until (top->now_ns + top->interval_ns);
  if (take (top) < 0)
    return failed ();
  look = look_of (top);
  view_init (&v);
  view_draw (&v, columns_of_environment (), 0, &look);
  for (i = 0; i < v.n; i++) {
    size_t n = strlen (v.lines[i].text);

    while (n && v.lines[i].text[n - 1] == ' ')
      n--;
    printf ("%.*s\n", (int) n, v.lines[i].text);
  }
  view_free (&v);
  return EXIT_OK;
}

static int
print_for_ever (struct top *top, bool heading)
{
  uint64_t next = clock_ns ();
  char when[16];
  struct look look;
  time_t now;

  if (take (top) < 0)
    return failed ();
  if (heading)
    view_print_heading (stdout);
  for (;;) {
    next += top->interval_ns;
    sleep_until (next);
    if (take (top) < 0)
      return failed ();
    now = time (NULL);
    strftime (when, sizeof when, "%H:%M:%S", localtime (&now));
    look = look_of (top);
    view_print_rows (stdout, &look, when);
    if (fflush (stdout) != 0)
      return EXIT_OK;
  }
}

/* --- With one ----------------------------------------------------------- */

static chtype styles[STYLES];

static void
make_styles (void)
{
  static const struct {
    short colour;
    chtype plain, coloured;
  } table[STYLES] = {
    [STYLE_PLAIN] = { -1, A_NORMAL, A_NORMAL },
    [STYLE_TITLE] = { -1, A_REVERSE, A_REVERSE },
    [STYLE_HEADING] = { -1, A_BOLD, A_BOLD },
    [STYLE_SELECTED] = { COLOR_CYAN, A_STANDOUT, A_BOLD },
    [STYLE_LABEL] = { -1, A_NORMAL, A_NORMAL },
    [STYLE_DATA] = { COLOR_BLUE, A_NORMAL, A_BOLD },
    [STYLE_HELD] = { COLOR_GREEN, A_NORMAL, A_NORMAL },
    [STYLE_FREE] = { COLOR_YELLOW, A_DIM, A_NORMAL },
    [STYLE_WARNING] = { COLOR_RED, A_BOLD, A_BOLD },
  };
  bool colours = has_colors () && !getenv ("NO_COLOR");
  short i;

  if (colours) {
    start_color ();
    use_default_colors ();
  }
  for (i = 0; i < STYLES; i++) {
    styles[i] = colours ? table[i].coloured : table[i].plain;
    if (colours && table[i].colour >= 0) {
      init_pair ((short) (i + 1), table[i].colour, -1);
      styles[i] |= (chtype) COLOR_PAIR (i + 1);
    }
  }
}

static void
draw (struct view *v, const struct look *look)
{
  int y, x;

  view_draw (v, COLS, LINES, look);
  erase ();
  for (y = 0; y < v->n && y < LINES; y++)
    for (x = 0; v->lines[y].text[x]; x++)
      mvaddch (y, x, (chtype) (unsigned char) v->lines[y].text[x] |
                     styles[v->lines[y].style[x]]);
  move (LINES - 1, 0);
  refresh ();
}

/* One key, or none before the time.  False: it says to quit. */
static bool
read_key (struct top *top, uint64_t until)
{
  uint64_t now = clock_ns ();
  unsigned n = top->now.n;

  /* One more, so that the time is over when it returns. */
  timeout (until > now ? (int) ((until - now) / 1000000 + 1) : 0);
  switch (getch ()) {
  case 'q': case 'Q': case 27:
    return false;
  case KEY_UP: case 'k':
    top->selected -= top->selected > 0;
    break;
  case KEY_DOWN: case 'j':
    top->selected += top->selected + 1 < n;
    break;
  }
  return true;
}

static int
watch (struct top *top)
{
  uint64_t next;
  struct look look;
  struct view v;
  bool on;

  /* If there is nothing from the start, it is better said plainly. */
  if (take (top) < 0)
    return failed ();
  view_init (&v);
  setlocale (LC_CTYPE, "");
  if (!initscr ()) {
    view_free (&v);
    return failed ();
  }
  cbreak ();
  noecho ();
  keypad (stdscr, true);
  set_escdelay (25);
  curs_set (0);
  make_styles ();
  next = clock_ns () + top->interval_ns;
  do {
    if (clock_ns () >= next) {
      take (top);
      next = clock_ns () + top->interval_ns;
    }
    look = look_of (top);
    draw (&v, &look);
    on = read_key (top, next);
  } while (on);
  endwin ();
  view_free (&v);
  return EXIT_OK;
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
  int r;

  (void) argc;
  (void) argv;
  if (interval_parse (o->interval, &top.interval_ns) < 0)
    return usage ("--interval %s: say a number of seconds, from 0.1 on",
                  o->interval);
  r = o->once ? print_once (&top)
    : isatty (STDOUT_FILENO) && isatty (STDIN_FILENO) ? watch (&top)
    : print_for_ever (&top, !o->noheadings);
  state_free (&top.now);
  state_free (&top.before);
  return r;
}
