/* nbdzramctl: one look at a server, for `top', which must not wait for it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef GLANCE_H
#define GLANCE_H

#include "mounts.h"
#include "state.h"

struct glance {
  uint64_t ns;                  /* when it ended: clock_ns */
  char *trouble;                /* NULL, or why there is nothing else */
  struct state state;
  struct attached *attached;
};

/* CLOCK_MONOTONIC. */
extern uint64_t clock_ns (void);

/* Look, however long it takes. */
extern struct glance *glance_take (const char *uri);
extern void glance_free (struct glance *g);

/* Look meanwhile: a pointer to the glance is written to fd at the end.  -1
 * with a fault.
 */
extern int glance_start (const char *uri, int fd);

#endif /* GLANCE_H */
