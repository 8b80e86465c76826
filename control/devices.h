/* nbdkit-zram: the devices, zram0, zram1 and so on.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A device lives as long as there are references to it: from the list, from
 * each connection to its disk, and from each thread that reads it.  The lock
 * of the list is held for a few instructions only, never while a disk is made,
 * changed, emptied or freed.  So reading statistics never waits.
 */

#ifndef ZRAM_DEVICES_H
#define ZRAM_DEVICES_H

#include <pthread.h>
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
  bool alone;                   /* a command has exclusive use of it */
  /* Held from the check whether a value would harm clients until the value is
   * set, because another command could change the answer in between.
   */
  pthread_mutex_t harmful;
};

/* Make a device with the lowest free number, and write that to *number.
 * -errno with a message.  The device gets no threads before devices_forked,
 * because they would not survive the fork of a daemon.
 */
extern int device_add (const struct zram_params *params, unsigned *number,
                       char message[ZRAM_MESSAGE_MAX]);

/* Start the threads of all devices.  -errno with a message. */
extern int devices_forked (char message[ZRAM_MESSAGE_MAX]);

/* Remove a device to which no client is connected, and return when its memory
 * is free.  Its number can then be used again.  -errno with a message.
 */
extern int device_remove (unsigned number, char message[ZRAM_MESSAGE_MAX]);

/* Take a reference to a device, which then lives until device_put.  NULL if
 * there is no device of that number.
 */
extern struct device *device_get (unsigned number);
extern void device_put (struct device *device);

/* Take a reference to all devices, in order, and return how many there are.
 * The caller calls device_put for each.
 */
extern unsigned devices_get (struct device *devices[DEVICES_MAX]);

/* Connect a client to a device, after waiting while a command has exclusive
 * use of it.  NULL if there is no such device.
 */
extern struct device *device_connect (unsigned number);
extern void device_disconnect (struct device *device);

/* Take exclusive use of a device: no client is connected then, and none will
 * be until device_share.  -EBUSY with a message if a client does not go away.
 */
extern int device_alone (struct device *device,
                         char message[ZRAM_MESSAGE_MAX]);
extern void device_share (struct device *device);

/* A view of a device for statistics, at one moment.  It is valid while the
 * caller has a reference to the device.
 */
struct device_view {
  struct zram_disk *disk;
  const char *name;             /* zram0 */
  unsigned clients;             /* connections that have the disk open */
  const struct swap_step *steps;        /* of the whole process */
  unsigned nsteps;
};
extern struct device_view device_look (const struct device *device);

/* Write a line to buf that describes the device to people. */
extern void device_describe (const struct device *device, char *buf,
                             size_t size);

/* Return the number that a name stands for, even if there is no such device.
 * -1 if no device can have that name.
 */
extern int device_number (const char *name, size_t len);

/* Stop the threads of all devices; free all devices.  For the end of the
 * server.
 */
extern void devices_stop (void);
extern void devices_free (void);

#endif /* ZRAM_DEVICES_H */
