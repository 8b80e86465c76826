/* nbdzramctl: the terminal, through ncurses.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

#include "view.h"

/* -1 with a fault: TERM is not set or not known, or the terminal cannot move
 * its cursor.
 */
extern int screen_check (void);

/* Take over the terminal, which was checked.  -1 with a fault. */
extern int screen_open (void);
extern void screen_close (void);

extern void screen_size (int *width, int *height);
extern void screen_draw (const struct view *view);

/* The next key, if there is one: a character, or one of those that arrows
 * and the like stand for.  0: there is none.
 */
enum {
  SCREEN_KEY_ESCAPE = 27, SCREEN_KEY_UP = 256, SCREEN_KEY_DOWN,
  SCREEN_KEY_FIRST, SCREEN_KEY_LAST, SCREEN_KEY_RESIZE
};
extern int screen_key (void);

#endif /* SCREEN_H */
