/* nbdzramctl: notes of what the tool has attached, in /run/nbdzramctl.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel does not say what an nbd device is connected to.  A note has the
 * device's pid, the server and the export, a line each.
 */

#ifndef ATTACHED_NOTE_H
#define ATTACHED_NOTE_H

#include "address.h"

/* Write down what a device, "nbd3", is.  It only complains if it cannot: not
 * to know it later is no reason to fail.
 */
extern void attached_note_write (const char *device, const char *server,
                                 const char *export);
extern void attached_note_remove (const char *device);

/* Read where a device is from.  -1: there is no note, or somebody else has
 * attached it since.
 */
extern int attached_note_read (const char *root, const char *device,
                               struct address *p);

#endif /* ATTACHED_NOTE_H */
