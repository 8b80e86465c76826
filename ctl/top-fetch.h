/* nbdzramctl: one look at a server, for `top', which must not wait for it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TOP_FETCH_H
#define TOP_FETCH_H

#include "attached.h"
#include "server-json.h"

struct fetched {
  uint64_t ns;                  /* when it ended: clock_ns */
  char *trouble;                /* NULL, or why there is nothing else */
  struct server server;
  struct attached *attached;
};

/* Ask the server and wait, however long it takes. */
extern struct fetched *fetch_now (const char *uri);
extern void fetched_free (struct fetched *f);

/* Ask the server in another thread, which writes a pointer to what was fetched
 * to fd.  -1 with a fault.
 */
extern int fetch_start (const char *uri, int fd);

#endif /* TOP_FETCH_H */
