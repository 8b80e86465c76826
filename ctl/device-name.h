/* nbdzramctl: the names that people give to devices.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * zram0, /dev/zram0 as zramctl has it, or nbd0 and /dev/nbd0 for the device
 * of the server that is attached there.
 */

#ifndef DEVICE_NAME_H
#define DEVICE_NAME_H

#include "attached.h"
#include "server-json.h"

/* "", or for tests a directory with a made-up /sys, /proc, /etc and /run. */
extern const char *machine_root (void);

/* Where the server is.  -1 with a fault: it is not said. */
extern int address_of_server (const char *uri, struct address *p);

/* What of this server is attached to this machine. */
extern struct attached *attached_load (const char *uri);

/* The server's own name of a device; to be freed.  NULL with a fault: it
 * can be no name, or nothing of this server is attached there.
 */
extern char *device_name_of (const struct attached *attached,
                             const char *name);

/* The same for a command that has no list of what is attached. */
extern char *device_name_resolve (const char *uri, const char *name);

/* And the device itself; NULL with a fault. */
extern device *device_name_find (const struct server *s,
                                 const struct attached *attached,
                                 const char *name);

#endif /* DEVICE_NAME_H */
