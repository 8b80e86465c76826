/* nbdzramctl: what `top' knows, and its parts.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TOP_H
#define TOP_H

#include "top-draw.h"

struct top {
  const char *uri;
  uint64_t interval_ns;
  char **only;                  /* names of the devices to show */
  int n_only;                   /* 0: all */
  struct fetched *now, *before;  /* NULL: there is none */
  char *trouble;                /* the last look failed; or NULL */
  bool stale;                   /* now is older than some trouble */
  /* Of the screen: */
  int pipe[2];                  /* what was fetched comes through it */
  uint64_t asked_ns;            /* since when one is awaited; 0: none is */
  uint64_t next_ns;             /* when to ask again */
  char *selected;               /* a name; NULL: the first */
  unsigned sort;
  bool reverse, no_detail, help, quit;
};

extern void top_free (struct top *top);

/* Take in what was fetched; it belongs to top from now on. */
extern void top_adopt (struct top *top, struct fetched *f);

/* Ask the server and wait.  -1 with a fault. */
extern int top_take (struct top *top);

/* Show only the devices named, which must be there.  -1 with a fault. */
extern int top_choose (struct top *top, int argc, char **argv);

/* Return what is to be shown; its list of devices is to be freed. */
extern struct shown top_shown (const struct top *top);

/* top-keys.c: do what the keys say that were pressed. */
extern void top_press (struct top *top);

/* top-keys.c: return the help.  To be freed. */
extern char *top_help (void);

/* top-screen.c: watch on a terminal until it is enough.  Return an exit
 * status.
 */
extern int top_watch (struct top *top);

#endif /* TOP_H */
