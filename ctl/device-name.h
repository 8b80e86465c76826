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

/* Return the server's own name of a device.  NULL with a fault: it cannot be a
 * name, or nothing of this server is attached there.  To be freed.
 */
extern char *device_name_of (const struct attached *attached,
                             const char *name);

/* Do the same where there is no list of what is attached. */
extern char *device_name_resolve (const char *uri, const char *name);

/* Find the device itself.  NULL with a fault. */
extern device *device_name_find (const struct server *s,
                                 const struct attached *attached,
                                 const char *name);

/* Find the i-th of the devices named, or of all if none is. */
extern device *device_name_nth (const struct server *s,
                                const struct attached *attached, int argc,
                                char **argv, unsigned i);

#endif /* DEVICE_NAME_H */
