/* nbdzramctl: where a server is, and which export of it is meant.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

/* Where servers are looked for: below XDG_RUNTIME_DIR, below /run, and then at
 * the last of these.
 */
#define SOCKET_NAME "nbdkit-zram/nbdkit.sock"
#define ADDRESS_SOCKET "/run/" SOCKET_NAME
#define ADDRESS_LAST "nbd://localhost"

/* An address: either a socket, or a host and a port.  Each is malloc'ed or
 * NULL.
 */
struct address {
  char *socket;
  char *host, *port;
  char *export;                 /* "" is the default one */
};

extern void address_free (struct address *p);

/* Read an NBD URI or the path of a Unix socket.  -1: it is neither, and the
 * address is empty.  libnbd connects, and says what is wrong with a URI.
 */
extern int address_of_uri (const char *uri, struct address *p);

/* Do the same, but make paths absolute, so that addresses can be compared and
 * written down.  -1 with a fault.
 */
extern int address_of_server (const char *uri, struct address *p);

/* Return the value of a key in the query of a URI, or NULL.  To be freed. */
extern char *address_query (const char *uri, const char *key);

/* Read the command line of a program that attached a device, "nbd0":
 * nbd-client, or any that was given an NBD URI.  -1: it is none of these.
 */
extern int address_of_argv (int argc, char *const *argv, const char *device,
                            struct address *p);

/* Read fields of a line of /etc/nbdtab; options may be NULL. */
extern int address_of_nbdtab (const char *host, const char *export,
                              const char *options, struct address *p);

/* Say whether two addresses are of the same server, as far as can be told.
 * All names of this machine count as one; other host names must be spelt
 * alike.
 */
extern bool address_same_server (const struct address *a,
                                 const struct address *b);

/* Return the first of the default sockets that exists, else the default URI.
 * An XDG_RUNTIME_DIR of another user does not count: root may have inherited
 * it.  For root neither does a socket in it that another user could have put
 * there.  To be freed.
 */
extern char *address_default (void);

#endif /* ADDRESS_H */
