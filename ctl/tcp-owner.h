/* nbdzramctl: which user listens at a TCP port of this machine.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TCP_OWNER_H
#define TCP_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "resolve.h"

/* Call fn for the owner of each socket that listens at one of the addresses,
 * until it returns true.  Return how many sockets were found; 0: it is not
 * known who listens, as for a server in a container.
 */
typedef bool tcp_owner_fn (uid_t uid, void *opaque);
extern unsigned tcp_owners (const struct endpoints *a, tcp_owner_fn *fn,
                            void *opaque);

#endif /* TCP_OWNER_H */
