/* nbdzramctl: the words that nbd-client is told.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef NBD_CLIENT_H
#define NBD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "subprocess.h"

/* What to attach, and how. */
struct attachment {
  struct address address;       /* with the export */
  const char *uri;
  const char *device;           /* "nbd3", or NULL: one that is free */
  uint64_t connections, timeout;
  unsigned block_size;
  bool swap, dry;
  bool local;                   /* the server is on this machine */
  /* The result: "nbd3", "/dev/nbd3". */
  char name[16], path[24];
};

/* Refuse words that nbd-client would misunderstand.  -1 with a fault. */
extern int nbd_client_check (const struct attachment *a);

/* Make the command that attaches it at a->path.  -1 with a fault.  The program
 * is to be freed in any case.
 */
extern int nbd_client_words (struct program *p, const struct attachment *a);

/* Say whether a URI asks for TLS. */
extern bool nbd_uses_tls (const char *uri);

#endif /* NBD_CLIENT_H */
