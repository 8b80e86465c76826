/* nbdzramctl: the terminal, through ncurses.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

#include "grid.h"

/* Check that the terminal can be used.  -1 with a fault: TERM is not set or
 * not known, or the terminal cannot move its cursor.
 */
extern int terminal_check (void);

/* Take over the terminal, which must have been checked.  -1 with a fault. */
extern int terminal_open (void);
/* Give it back, as it was. */
extern void terminal_close (void);

/* Get how many columns and lines there are now. */
extern void terminal_size (int *width, int *height);

/* Show a grid.  What does not fit is cut off. */
extern void terminal_draw (const struct grid *grid);

/* Return the next key: a character, or one of these for arrows and the like.
 * 0: none was pressed.
 */
enum {
  KEY_CODE_ESCAPE = 27, KEY_CODE_UP = 256, KEY_CODE_DOWN,
  KEY_CODE_FIRST, KEY_CODE_LAST, KEY_CODE_RESIZE
};
extern int terminal_key (void);

#endif /* TERMINAL_H */
