/* nbdkit-zram: the export of a disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit has checked every request before it gets here: it is within the
 * disk, counts are not 0, data is at most 64 MiB and flags are legal.
 */

#include <config.h>

#include <errno.h>
#include <stddef.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "export.h"

/* Extents in a reply to block status, at most; then the client asks on.  Each
 * takes 8 bytes, and nobody should wait long for the others.
 */
#define EXTENTS_MAX 65536

static const char *
disk_open (struct handle *h, const struct export_name *name)
{
  h->device = device_connect (name->device);
  if (!h->device)
    return "there is no such device";
  device_describe (h->device, h->description, sizeof h->description);
  return NULL;
}

static void
disk_close (struct handle *h)
{
  device_disconnect (h->device);
}

static uint64_t
disk_size (const struct handle *h)
{
  return zram_size (h->device->disk);
}

static bool
disk_can_write (const struct handle *h)
{
  (void) h;
  return true;
}

static int
disk_pread (struct handle *h, void *buf, uint32_t count, uint64_t offset)
{
  return zram_pread (h->device->disk, buf, count, offset);
}

static int
disk_pwrite (struct handle *h, const void *buf, uint32_t count,
             uint64_t offset)
{
  return zram_pwrite (h->device->disk, buf, count, offset);
}

static int
disk_trim (struct handle *h, uint32_t count, uint64_t offset)
{
  return zram_trim (h->device->disk, count, offset);
}

/* Zeroes are always fast, so FAST_ZERO need not be looked at. */
static int
disk_zero (struct handle *h, uint32_t count, uint64_t offset,
           uint32_t flags)
{
  return flags & NBDKIT_FLAG_MAY_TRIM
    ? zram_trim (h->device->disk, count, offset)
    : zram_zero (h->device->disk, count, offset);
}

struct extents {
  struct nbdkit_extents *list;
  unsigned room;                /* for that many more */
};

/* Hand an extent to the server, which aborts if one ends after the range it
 * asked for: zram_extents clips them.
 */
static int
disk_emit_extent (void *opaque, uint64_t offset, uint64_t length,
                  enum zram_extent type)
{
  static const uint32_t types[] = {
    [ZRAM_EXTENT_HOLE] = NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO,
    [ZRAM_EXTENT_ZERO] = NBDKIT_EXTENT_ZERO,
    [ZRAM_EXTENT_DATA] = 0,
  };
  struct extents *extents = opaque;

  if (nbdkit_add_extent (extents->list, offset, length, types[type]) == -1)
    return -errno;
  return --extents->room == 0;
}

static int
disk_extents (struct handle *h, uint32_t count, uint64_t offset,
              uint32_t flags, struct nbdkit_extents *list)
{
  struct extents extents = { list, EXTENTS_MAX };

  if (flags & NBDKIT_FLAG_REQ_ONE)
    extents.room = 1;
  return zram_extents (h->device->disk, count, offset, disk_emit_extent,
                       &extents);
}

const struct export export_disk = {
  .open = disk_open,
  .close = disk_close,
  .size = disk_size,
  .can_write = disk_can_write,
  .is_disk = true,
  .pread = disk_pread,
  .pwrite = disk_pwrite,
  .trim = disk_trim,
  .zero = disk_zero,
  .extents = disk_extents,
};
