/* nbdzramctl: where a server is, and which export of it is meant.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

/* Either a socket, or a host and a port; each malloc'ed, or NULL. */
struct address {
  char *socket;
  char *host, *port;
  char *export;                 /* "" is the default one */
};

extern void address_free (struct address *p);

/* From an NBD URI, or the path of a Unix socket.  -1: it is neither.  It
 * is libnbd that connects, and that says what is wrong with a URI.
 */
extern int address_of_uri (const char *uri, struct address *p);

/* The same, as it is compared and noted: with absolute paths.  -1 with a
 * fault.
 */
extern int address_of_server (const char *uri, struct address *p);

/* The value of a key in the query of a URI, or NULL.  To be freed. */
extern char *address_query (const char *uri, const char *key);

/* From the command line of a program that attached `device', as in
 * "nbd0": nbd-client, or any that was given an NBD URI.  -1: it is none.
 */
extern int address_of_argv (int argc, char *const *argv, const char *device,
                            struct address *p);

/* From the four fields of a line of /etc/nbdtab; options may be NULL. */
extern int address_of_nbdtab (const char *host, const char *export,
                              const char *options, struct address *p);

/* Is it the same server, as far as can be told?  All names of this machine
 * itself are one; other host names must be spelt alike.
 */
extern bool address_same_server (const struct address *a,
                                 const struct address *b);

/* The sockets and the URI that are tried if none was given: the first of
 * them that exists.  root may come with another user's XDG_RUNTIME_DIR, which
 * does not count.  To be freed.
 */
extern char *address_default (void);

#endif /* ADDRESS_H */
