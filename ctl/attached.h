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

/* List the devices that are attached to a server.  root is that of machine.h.
 * NULL: there are none.
 */
extern struct attached *attached_list (const char *root,
                                       const struct address *server);
/* Do the same for the server at a URI, and for this machine. */
extern struct attached *attached_load (const char *uri);
extern void attached_free (struct attached *list);

/* Find the first one of an export, or of a device.  NULL: there is none. */
extern const struct attached *
attached_by_export (const struct attached *list, const char *export);
extern const struct attached *
attached_by_device (const struct attached *list, const char *device);

#endif /* ATTACHED_H */
