/* nbdzramctl: which devices of a server are attached to this machine, as
 * /dev/nbdN, and where they are mounted.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ATTACHED_H
#define ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

/* Below this the tool itself notes what it has attached: nbdN holds the
 * device's pid, the server and the export, a line each.
 */
#define ATTACHED_NOTES "/run/nbdzramctl"

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
extern void attached_free (struct attached *list);

/* What tells about nbdN below a root.  A line of /sys without its newline,
 * or NULL; whether it is swap, and how much of that is used; where it is
 * mounted, or NULL; whether another device is made of it.  The texts are to
 * be freed.
 */
struct swap_use {
  uint64_t size, used;          /* KiB */
};
extern char *machine_sys (const char *root, const char *device,
                          const char *name);
extern bool machine_swap (const char *root, const char *device,
                          struct swap_use *use);
extern char *machine_mountpoint (const char *root, const char *device);
extern bool machine_holder (const char *root, const char *device);

/* KiB that programs can have, in memory or in swap that is not on this
 * device.  False: the machine does not say.
 */
extern bool machine_room (const char *root, const struct swap_use *use,
                          uint64_t *kib);

/* The first one of an export, or of a device; NULL: none. */
extern const struct attached *
attached_by_export (const struct attached *list, const char *export);
extern const struct attached *
attached_by_device (const struct attached *list, const char *device);

#endif /* ATTACHED_H */
