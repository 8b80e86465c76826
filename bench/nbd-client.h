/* nbdkit-zram: as much of an NBD client as a load generator needs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Raw protocol instead of libnbd, whose client takes two to four times the
 * CPU of this one per request: with both cores of a small machine shared
 * by client and server, that is time that the server does not get.
 *
 * Fixed newstyle, NBD_OPT_GO, simple replies, no TLS.
 */

#ifndef BENCH_NBD_CLIENT_H
#define BENCH_NBD_CLIENT_H

#include <stddef.h>
#include <stdint.h>

enum nbd_command {
  NBD_READ = 0,
  NBD_WRITE = 1,
  NBD_DISCONNECT = 2,
  NBD_TRIM = 4,
  NBD_ZERO = 6,
};

/* On the wire, big endian. */
struct nbd_request {
  uint32_t magic;
  uint16_t flags, command;
  uint64_t cookie, offset;
  uint32_t count;
} __attribute__ ((packed));

struct nbd_reply {
  uint32_t magic, error;
  uint64_t cookie;
} __attribute__ ((packed));

/* The address of a server: exactly one of path and host is set. */
struct nbd_address {
  char *path, *host, *port, *export;
};

/* Read nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH.  -1: it is
 * not a URI that this client knows.
 */
extern int nbd_parse_uri (const char *uri, struct nbd_address *address);

/* Connect and negotiate.  Return the socket, which does not block, and get the
 * size of the export.  It ends the program if that fails.
 */
extern int nbd_connect (const struct nbd_address *address, uint64_t *size);

extern void nbd_encode (struct nbd_request *request, enum nbd_command command,
                        uint64_t cookie, uint64_t offset, uint32_t count);

/* Read a reply.  -1: it is not a simple reply. */
extern int nbd_decode (const struct nbd_reply *reply, uint32_t *error,
                       uint64_t *cookie);

#endif /* BENCH_NBD_CLIENT_H */
