/* nbdzramctl: what attaching a device and swapping to it share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ATTACH_H
#define ATTACH_H

#include "client.h"
#include "commands.h"
#include "attached.h"
#include "nbd-device.h"

/* Check the options that a user can get wrong.  -1 with a fault. */
extern int attach_check (const struct options *o);

/* Check that this is root, and call interrupt_begin.  -1 with a fault.
 * interrupt_end must be called in any case.
 */
extern int attach_begin (const struct options *o);

/* Ask the server about the device, NULL for the one of the URI or zram0, and
 * fill in what nbd_attach needs.  a->address is to be freed if it is 0.
 */
extern int attach_plan (const struct options *o, const char *given,
                        bool swap, struct attachment *a, struct export *e);

/* "nbd3" for what is called /dev/nbd3, nbd3 or zram0.  NULL with a fault if it
 * is not attached.
 */
extern const char *attached_name (const struct attached *list,
                                  const char *given);

/* -1 with a fault if it is mounted or part of another device. */
extern int attach_unmounted (const char *name);

/* Both of all that are named: "nbd3" for what is called /dev/nbd3, nbd3 or
 * zram0.  -1 with a fault if one of them is not attached, is named twice, or
 * is mounted or part of another device, which would only see errors.
 */
extern int attached_names (const struct attached *list, int argc,
                           char **argv, const char **names);

/* Let the server forget what is on an attached device.  Only complains. */
extern void attach_forget (const char *name);

#endif /* ATTACH_H */
