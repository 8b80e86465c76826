/* nbdzramctl: `top', what its files share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TOP_H
#define TOP_H

#include "grid.h"

struct top {
  const char *uri;
  uint64_t interval_ns;
  char **only;                  /* names of the devices to show */
  int n_only;                   /* 0: all */
  struct fetched *now, *before;  /* NULL: there is none */
  char *trouble;                /* the last look failed; or NULL */
  bool stale;                   /* now is from before some trouble */
  /* Of the screen: */
  int pipe[2];                  /* glances come through it */
  uint64_t asked_ns;            /* since when one is awaited; 0: none is */
  uint64_t next_ns;             /* when to ask again */
  char *selected;               /* a name; NULL: the first */
  unsigned sort;
  bool reverse, no_detail, help, quit;
};

/* A look has ended. */
extern void top_adopt (struct top *top, struct fetched *f);

/* What is to be shown; shown.devices is to be freed. */
extern struct shown top_shown (const struct top *top);

/* top-screen.c: watch on a terminal until it is enough.  An exit status. */
extern int top_watch (struct top *top);

#endif /* TOP_H */
