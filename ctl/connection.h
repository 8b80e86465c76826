/* nbdzramctl: a connection to a server, through libnbd, that never waits
 * without end.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * All that return int return -1 with a fault.
 */

#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libnbd.h>

struct connection;

/* Connect to a URI or the path of a Unix socket, and stop before an export is
 * chosen.  NULL with a fault.  All calls until connection_close share the time
 * of one exchange.
 */
extern struct connection *connection_open (const char *uri);
extern void connection_close (struct connection *c);

/* Allow the time of one more exchange, from now on. */
extern void connection_renew (struct connection *c);

/* Return libnbd's handle, for questions that it answers at once. */
extern struct nbd_handle *connection_nbd (const struct connection *c);
/* Return "the server at URI", safe to print. */
extern const char *connection_who (const struct connection *c);

/* Get the user who listens at the Unix socket.  False: it is no Unix socket.
 */
extern bool connection_peer (const struct connection *c, uid_t *uid);

/* Choose an export.  1: the server has none of that name. */
extern int connection_go (struct connection *c, const char *export);

/* Call fn for each export.  It may end the list with -1 and a fault. */
typedef int connection_export_fn (void *opaque, const char *name,
                                  const char *description);
extern int connection_list (struct connection *c, connection_export_fn *fn,
                            void *opaque);

/* Read n bytes at an offset. */
extern int connection_read (struct connection *c, void *buf, size_t n,
                            uint64_t at);
/* Write bytes.  *error is 0 if no answer came: then nobody knows whether they
 * were written.
 */
extern int connection_write (struct connection *c, const void *buf, size_t n,
                             uint64_t at, int *error);

#endif /* CONNECTION_H */
