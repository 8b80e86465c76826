/* nbdzramctl: where a server is, and which export of it is meant.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

/* Either a socket, or a host and a port; each malloc'ed, or NULL. */
struct place {
  char *socket;
  char *host, *port;
  char *export;                 /* "" is the default one */
};

extern void place_free (struct place *p);

/* From an NBD URI, or the path of a Unix socket.  -1: it is neither.  It
 * is libnbd that connects, and that says what is wrong with a URI.
 */
extern int place_of_uri (const char *uri, struct place *p);

/* The value of a key in the query of a URI, or NULL.  To be freed. */
extern char *place_query (const char *uri, const char *key);

/* From the command line of a program that attached `device', as in
 * "nbd0": nbd-client, or any that was given an NBD URI.  -1: it is none.
 */
extern int place_of_argv (int argc, char *const *argv, const char *device,
                          struct place *p);

/* From the four fields of a line of /etc/nbdtab; options may be NULL. */
extern int place_of_nbdtab (const char *host, const char *export,
                            const char *options, struct place *p);

/* Is it the same server, as far as can be told?  All names of this machine
 * itself are one; other host names must be spelt alike.
 */
extern bool place_same_server (const struct place *a, const struct place *b);

/* The sockets and the URI that are tried if none was given: the first of
 * them that exists.  root may come with another user's XDG_RUNTIME_DIR, which
 * does not count.  To be freed.
 */
extern char *place_default (void);

#endif /* PLACE_H */
