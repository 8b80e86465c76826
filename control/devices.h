/* nbdkit-zram: the devices, zram0, zram1 and so on.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A device lives as long as somebody refers to it: the list, connections
 * to its disk, and whoever is just looking at it.  The lock of the list is
 * held for a few instructions only, never while a disk is made, changed,
 * emptied or ended; so those who read statistics wait for nothing.
 */

#ifndef ZRAM_DEVICES_H
#define ZRAM_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "swap.h"
#include "zram.h"

#define DEVICES_MAX 64

struct device {
  unsigned number;
  char name[16];                /* zramN */
  struct zram_disk *disk;
  unsigned refs, clients;       /* under the lock of the list */
  bool alone;                   /* a command has it for itself */
};

/* Make a device with the lowest number that is free.  -errno with a
 * message.  Before the server has forked there are no threads to make.
 */
extern int device_add (const struct zram_params *params, unsigned *number,
                       char message[ZRAM_MESSAGE_MAX]);
extern int devices_forked (char message[ZRAM_MESSAGE_MAX]);

/* Take it out of the list, if no client is connected to it; its number is
 * free then.  Returns when its memory is free too.  -errno with a message.
 */
extern int device_remove (unsigned number, char message[ZRAM_MESSAGE_MAX]);

/* A reference; NULL: there is no such device. */
extern struct device *device_get (unsigned number);
extern void device_put (struct device *device);

/* All of them, in order; returns how many.  Put each. */
extern unsigned devices_get (struct device *devices[DEVICES_MAX]);

/* A client connects to the disk, and waits while a command has the device
 * for itself.  NULL: there is no such device.
 */
extern struct device *device_connect (unsigned number);
extern void device_disconnect (struct device *device);

/* Have the device for oneself: no client is connected, and none will be
 * before device_share.  -EBUSY with a message.
 */
extern int device_alone (struct device *device,
                         char message[ZRAM_MESSAGE_MAX]);
extern void device_share (struct device *device);

/* A device as statistics see it, at one moment.  The caller refers to it. */
struct device_view {
  struct zram_disk *disk;
  const char *name;             /* zram0 */
  unsigned clients;             /* connections that have the disk open */
  const struct swap_step *steps;        /* of the whole process */
  unsigned nsteps;
};
extern struct device_view device_look (const struct device *device);

/* One line for people. */
extern void device_describe (const struct device *device, char *buf,
                             size_t size);

/* The name of a device, exactly: its number, or -1. */
extern int device_number (const char *name, size_t len);

/* The end of the server: stop the threads, free everything. */
extern void devices_stop (void);
extern void devices_free (void);

#endif /* ZRAM_DEVICES_H */
