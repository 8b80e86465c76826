/* nbdzramctl: the nbd devices of this machine: attaching and detaching.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Between interrupt_begin and interrupt_end.  All return -1 with a fault.
 */

#ifndef NBD_DEVICE_H
#define NBD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "nbd-client.h"

/* Attach a device, and fill in name and path.  If it fails, nothing is
 * attached.
 */
extern int nbd_attach (struct attachment *a);
/* Detach a device, "nbd3".  It is no fault that it is detached already. */
extern int nbd_detach (const char *name, bool dry);

/* Return "nbd3" of "/dev/nbd3" or "nbd3", as a part of it.  NULL: it is no
 * such device.
 */
extern const char *nbd_name (const char *path);

/* Say whether "nbd3" is attached. */
extern bool nbd_attached (const char *name);

#endif /* NBD_DEVICE_H */
