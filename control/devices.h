/* nbdkit-zram: the devices, zram0, zram1 and so on.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A device lives as long as somebody refers to it: the list, each connection
 * to its disk, and whoever is looking at it.  The lock of the list is held for
 * a few instructions only, never while a disk is made, changed, emptied or
 * freed.  So whoever reads statistics never waits.
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
  bool alone;                   /* a command has it for itself */
  /* Held from the question whether a value would harm clients until it is
   * set: another command could change the answer in between.
   */
  pthread_mutex_t harmful;
};

/* Make a device and give it the lowest number that is free.  -errno with a
 * message.  Before devices_forked it gets no threads, for they would not
 * survive the fork of a daemon.
 */
extern int device_add (const struct zram_params *params, unsigned *number,
                       char message[ZRAM_MESSAGE_MAX]);

/* Start the threads of all devices.  -errno with a message. */
extern int devices_forked (char message[ZRAM_MESSAGE_MAX]);

/* Remove a device that no client is connected to, and return when its memory
 * is free.  Its number can be used again.  -errno with a message.
 */
extern int device_remove (unsigned number, char message[ZRAM_MESSAGE_MAX]);

/* Refer to a device, so that it lives until device_put.  NULL: there is none
 * of that number.
 */
extern struct device *device_get (unsigned number);
extern void device_put (struct device *device);

/* Refer to all devices, in order, and return how many they are.  The caller
 * puts each.
 */
extern unsigned devices_get (struct device *devices[DEVICES_MAX]);

/* Connect a client to a disk; wait first while a command has the device for
 * itself.  NULL: there is no such device.
 */
extern struct device *device_connect (unsigned number);
extern void device_disconnect (struct device *device);

/* Have a device for oneself: no client is connected now, and none will be
 * until device_share.  -EBUSY with a message if a client does not go.
 */
extern int device_alone (struct device *device,
                         char message[ZRAM_MESSAGE_MAX]);
extern void device_share (struct device *device);

/* A device as statistics see it, at one moment.  It is good for as long as the
 * caller refers to the device.
 */
struct device_view {
  struct zram_disk *disk;
  const char *name;             /* zram0 */
  unsigned clients;             /* connections that have the disk open */
  const struct swap_step *steps;        /* of the whole process */
  unsigned nsteps;
};
extern struct device_view device_look (const struct device *device);

/* Write a line for people to buf. */
extern void device_describe (const struct device *device, char *buf,
                             size_t size);

/* Return the number of the device of exactly that name, whether there is one
 * or not.  -1: no device can have that name.
 */
extern int device_number (const char *name, size_t len);

/* Stop the threads of all devices; free all devices.  For the end. */
extern void devices_stop (void);
extern void devices_free (void);

#endif /* ZRAM_DEVICES_H */
