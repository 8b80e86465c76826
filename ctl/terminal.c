/* nbdzramctl: the terminal, through ncurses.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>
#undef lines                    /* of the many words that term.h takes */

#include "message.h"
#include "terminal.h"

static chtype styles[STYLES];

static void
terminal_styles (void)
{
  static const struct {
    short colour;
    chtype plain, coloured;
  } table[STYLES] = {
    [STYLE_PLAIN] = { -1, A_NORMAL, A_NORMAL },
    [STYLE_TITLE] = { -1, A_REVERSE, A_REVERSE },
    [STYLE_HEADING] = { -1, A_BOLD, A_BOLD },
    [STYLE_SORT] = { -1, A_BOLD | A_UNDERLINE, A_BOLD | A_UNDERLINE },
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

/* Say whether the cursor can be moved on the terminal that was set up. */
static bool
terminal_can_move (void)
{
  const char *move = tigetstr ("cup");

  return move && move != (const char *) -1;
}

/* ncurses would print a message of its own and exit. */
int
terminal_check (void)
{
  static const char instead[] = "or print the screen once, with top --once";
  const char *term = getenv ("TERM");
  bool can_move;
  int found;

  if (!term || !*term)
    return fault ("TERM is not set, so it is not known how to draw on this"
                  " terminal: set it, %s", instead);
  if (setupterm (NULL, STDOUT_FILENO, &found) != OK)
    return fault ("the terminal %s (TERM) is not known here: set another"
                  " TERM, %s", term, instead);
  can_move = terminal_can_move ();
  del_curterm (cur_term);
  return can_move ? 0
    : fault ("the terminal %s (TERM) cannot move its cursor: set another"
             " TERM, %s", term, instead);
}

int
terminal_open (void)
{
  if (!newterm (NULL, stdout, stdin))
    return fault ("cannot use this terminal");
  cbreak ();
  noecho ();
  nodelay (stdscr, true);
  keypad (stdscr, true);
  set_escdelay (25);
  curs_set (0);
  terminal_styles ();
  return 0;
}

void
terminal_close (void)
{
  endwin ();
}

void
terminal_size (int *width, int *height)
{
  *width = COLS;
  *height = LINES;
}

void
terminal_draw (const struct grid *grid)
{
  const struct grid_line *line = grid->lines;
  int y, x;

  erase ();
  for (y = 0; y < grid->n && y < LINES; y++, line++) {
    for (x = 0; line->text[x]; x++) {
      attrset ((int) styles[line->style[x]]);
      mvaddstr (y, x, grid_cell (line->text[x]));
    }
  }
  attrset (A_NORMAL);
  move (LINES - 1, 0);
  refresh ();
}

int
terminal_key (void)
{
  static const struct { int from, to; } table[] = {
    { KEY_UP, KEY_CODE_UP }, { KEY_DOWN, KEY_CODE_DOWN },
    { KEY_HOME, KEY_CODE_FIRST }, { KEY_END, KEY_CODE_LAST },
    { KEY_RESIZE, KEY_CODE_RESIZE },
  };
  int key = getch ();
  unsigned i;

  for (i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].from == key)
      return table[i].to;
  return key > 0 && key < 128 ? key : key == ERR ? 0 : KEY_CODE_RESIZE;
}
