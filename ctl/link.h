/* nbdzramctl: a connection to a server, through libnbd, that never waits
 * without end.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * All that return int return -1 with a fault.
 */

#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libnbd.h>

struct link;

/* Connect to a URI or the path of a Unix socket, and stop where exports are
 * chosen.  NULL with a fault.  What follows, to the end, has as much time as
 * one exchange may take.
 */
extern struct link *link_open (const char *uri);
extern void link_close (struct link *l);

/* As much time again. */
extern void link_renew (struct link *l);

/* For what libnbd answers at once. */
extern struct nbd_handle *link_nbd (const struct link *l);
/* "the server at URI", safe to print. */
extern const char *link_who (const struct link *l);

/* Who listens at the Unix socket; false: it is none. */
extern bool link_peer (const struct link *l, uid_t *uid);

/* Choose an export.  1: the server has none of that name. */
extern int link_go (struct link *l, const char *export);

/* Call fn for each export; it may say that it has had enough, with -1 and a
 * fault.
 */
typedef int link_export_fn (void *opaque, const char *name,
                            const char *description);
extern int link_list (struct link *l, link_export_fn *fn, void *opaque);

extern int link_read (struct link *l, void *buf, size_t n, uint64_t at);
/* *error is 0 if no answer came, so that nobody knows what came of it. */
extern int link_write (struct link *l, const void *buf, size_t n,
                       uint64_t at, int *error);

#endif /* LINK_H */
