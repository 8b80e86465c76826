/* nbdzramctl: the addresses of hosts.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ENDPOINTS_MAX 16

struct endpoints {
  struct {
    struct sockaddr_storage sa;
    socklen_t length;
  } list[ENDPOINTS_MAX];
  unsigned n;                   /* at least 1 once it is filled in */
};

/* Look up the addresses of a host and a port, before a deadline in ms.  -1
 * with a fault.
 */
extern int resolve (const char *host, const char *port, uint64_t deadline,
                    struct endpoints *a);

/* Say whether one of them is this machine itself. */
extern bool resolve_is_local (const struct endpoints *a);

#endif /* RESOLVE_H */
