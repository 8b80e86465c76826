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

/* Ask the server about a device, and fill in what nbd_attach needs.  given
 * NULL: the device that the URI names, else zram0.  If it returns 0,
 * a->address is to be freed.
 */
typedef int attach_plan_fn (const struct options *o, const char *given,
                            struct attachment *a, struct export *e);
extern attach_plan_fn attach_plan;

/* Plan, do it, and print where the device is then, all of it between
 * interrupt_begin and interrupt_end.  Return an exit status.
 */
typedef int attach_fn (const struct options *o, struct attachment *a,
                       const struct export *e);
extern int attach_run (const struct options *o, const char *given,
                       attach_plan_fn *plan, attach_fn *fn);

/* Check that the server lets us write.  -1 with a fault. */
extern int attach_check_writable (const struct attachment *a,
                                  const struct export *e);

/* Return "nbd3" for what is called /dev/nbd3, nbd3 or zram0.  NULL with a
 * fault if it is not attached.
 */
extern const char *attached_name (const struct attached *list,
                                  const char *given);

/* Check that a device is neither mounted nor part of another device.  -1 with
 * a fault.
 */
extern int attach_unmounted (const char *name);

/* Check that a device is not swap.  -1 with a fault. */
extern int attach_no_swap (const char *name);

/* Do attached_name and attach_unmounted for all devices that are named.  -1
 * with a fault, also if one is named twice.  A mounted device would only see
 * errors.
 */
extern int attached_names (const struct attached *list, int argc,
                           char **argv, const char **names);

/* Make the server forget what is on an attached device.  A failure is only
 * printed.
 */
extern void attach_forget (const char *name);

/* Find all devices that are named before anything is done to one, and then do
 * something to each until it fails.  Return an exit status.
 */
typedef int attach_find_fn (const struct attached *list, int argc,
                            char **argv, const char **names);
typedef int attach_undo_fn (const struct options *o, const char *name);
extern int attach_undo (const struct options *o, int argc, char **argv,
                        attach_find_fn *find, attach_undo_fn *undo);

#endif /* ATTACH_H */
