/* nbdzramctl: which devices of a server are attached to this machine, as
 * /dev/nbdN, and where they are mounted.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ATTACHED_H
#define ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct attached {
  struct attached *next;
  char *device;                 /* "nbd0" */
  char *export;                 /* "zram0" */
  char *mountpoint;             /* "[SWAP]", or NULL: not mounted */
};

/* Look below `root' ("" is this machine itself; tests make up others), for
 * what comes from this server.  NULL: nothing.
 */
extern struct attached *attached_list (const char *root,
                                       const struct address *server);
/* The same for the server at a URI, and this machine. */
extern struct attached *attached_load (const char *uri);
extern void attached_free (struct attached *list);

/* The first one of an export, or of a device; NULL: none. */
extern const struct attached *
attached_by_export (const struct attached *list, const char *export);
extern const struct attached *
attached_by_device (const struct attached *list, const char *device);

#endif /* ATTACHED_H */
