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

/* Connect to a URI or the path of a Unix socket, and stop where exports are
 * chosen.  NULL with a fault.  What follows, to the end, has as much time as
 * one exchange may take.
 */
extern struct connection *connection_open (const char *uri);
extern void connection_close (struct connection *c);

/* As much time again. */
extern void connection_renew (struct connection *c);

/* For what libnbd answers at once. */
extern struct nbd_handle *connection_nbd (const struct connection *c);
/* "the server at URI", safe to print. */
extern const char *connection_who (const struct connection *c);

/* Who listens at the Unix socket; false: it is none. */
extern bool connection_peer (const struct connection *c, uid_t *uid);

/* Choose an export.  1: the server has none of that name. */
extern int connection_go (struct connection *c, const char *export);

/* Call fn for each export; it may say that it has had enough, with -1 and a
 * fault.
 */
typedef int connection_export_fn (void *opaque, const char *name,
                                  const char *description);
extern int connection_list (struct connection *c, connection_export_fn *fn,
                            void *opaque);

extern int connection_read (struct connection *c, void *buf, size_t n,
                            uint64_t at);
/* *error is 0 if no answer came, so that nobody knows what came of it. */
extern int connection_write (struct connection *c, const void *buf, size_t n,
                             uint64_t at, int *error);

#endif /* CONNECTION_H */
