/* nbdzramctl: what this machine says of its nbd devices, in /sys and /proc.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A device is named as in "nbd3".  All that is returned as text is to be
 * freed.  root is a directory with a made-up /sys, /proc, /etc and /run, for
 * tests; "" is this machine itself.
 */

#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return the root that NBDZRAM_ROOT names, or "". */
extern const char *machine_root (void);

/* Read a whole small file, end it with a NUL, and set *length unless that is
 * NULL.  NULL: there is no such file.
 */
extern char *machine_read (const char *path, size_t *length);

/* Do the same for a path that is made as by printf. */
extern char *machine_text (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* Read the line of /sys/block/DEVICE/NAME, without its newline.  NULL: there
 * is none.
 */
extern char *machine_sys (const char *root, const char *device,
                          const char *name);

/* Say whether a device is swap, and if so how much of it is used. */
struct swap_use {
  uint64_t size, used;          /* KiB */
};
extern bool machine_swap (const char *root, const char *device,
                          struct swap_use *use);

/* Return where a device or a partition of it is mounted.  NULL: nowhere. */
extern char *machine_mountpoint (const char *root, const char *device);

/* Say whether another device is made of it. */
extern bool machine_holder (const char *root, const char *device);

/* Compute how many KiB programs can have, in memory or in swap that is not on
 * the device of this use.  False: the machine does not say.
 */
extern bool machine_room (const char *root, const struct swap_use *use,
                          uint64_t *kib);

#endif /* MACHINE_H */
