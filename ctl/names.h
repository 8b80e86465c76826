/* nbdzramctl: the names that people give to devices.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * zram0, /dev/zram0 as zramctl has it, or nbd0 and /dev/nbd0 for the device
 * of the server that is attached there.
 */

#ifndef NAMES_H
#define NAMES_H

#include "mounts.h"
#include "state.h"

/* "", or for tests a directory with a made-up /sys, /proc, /etc and /run. */
extern const char *name_root (void);

/* Where the server is.  -1 with a fault: it is not said. */
extern int name_place (const char *uri, struct place *p);

/* What of this server is attached to this machine. */
extern struct attached *name_attached (const char *uri);

/* The server's own name of a device; to be freed.  NULL with a fault: it
 * can be no name, or nothing of this server is attached there.
 */
extern char *name_of_device (const struct attached *attached,
                             const char *name);

/* The same for a command that has no list of what is attached. */
extern char *name_resolve (const char *uri, const char *name);

/* And the device itself; NULL with a fault. */
extern device *name_to_device (const struct state *s,
                               const struct attached *attached,
                               const char *name);

#endif /* NAMES_H */
