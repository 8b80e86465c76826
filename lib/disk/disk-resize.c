/* nbdkit-zram: the size of a disk, changed while it is in use.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "disk.h"

/* Does the page that the new end falls into hold only zeroes beyond it? */
static bool
resize_ragged_end_is_zero (struct zram_disk *d, uint64_t size)
{
  uint64_t end = slots_of (d, size) << d->layout.page_shift;
  char buf[512];
  uint64_t n;
  size_t i;

  if (end > disk_size (d))
    end = disk_size (d);
  for (; size < end; size += n) {
    n = end - size < sizeof buf ? end - size : sizeof buf;
    if (zram_pread (d, buf, n, size) < 0)
      return false;
    for (i = 0; i < n; ++i)
      if (buf[i])
        return false;
  }
  return true;
}

/* Cannot fail if there are no more slots than before. */
static int
resize_shards (struct zram_disk *d, uint64_t size)
{
  unsigned i;
  int r = 0;

  for (i = 0; i < shard_count (d) && r == 0; ++i)
    r = shard_resize (&d->shards[i], slots_below (d, i, slots_of (d, size)));
  return r;
}

static bool
resize_holes_from (struct zram_disk *d, uint64_t size)
{
  unsigned i;

  for (i = 0; i < shard_count (d); ++i)
    if (!shard_holes_from (&d->shards[i],
                           slots_below (d, i, slots_of (d, size))))
      return false;
  return true;
}

/* Let nobody reach a slot beyond, or let them again. */
static void
resize_bound (struct zram_disk *d, uint64_t size)
{
  unsigned i;

  for (i = 0; i < shard_count (d); ++i)
    shard_bound (&d->shards[i], slots_below (d, i, slots_of (d, size)));
}

/* Looked at twice: at first nobody is kept from anything, so that a
 * shrink that must be refused disturbs no one; then nobody can write
 * there any more.  Nothing is changed that would have to be undone before
 * all shards agree.
 */
static int
resize_shrink (struct zram_disk *d, uint64_t size)
{
  uint64_t old = disk_size (d);

  if (!resize_ragged_end_is_zero (d, size) || !resize_holes_from (d, size))
    return -EBUSY;
  d->size = size;
  resize_bound (d, size);
  if (!resize_holes_from (d, size)) {
    resize_bound (d, old);
    d->size = old;
    return -EBUSY;
  }
  return resize_shards (d, size);
}

static int
resize_grow (struct zram_disk *d, uint64_t size)
{
  int r = resize_shards (d, size);

  if (r == 0)
    d->size = size;
  else
    resize_shards (d, disk_size (d));
  return r;
}

/* Requests that are under way see the old size or the new: what lies
 * between is refused by the shards.
 */
static int
resize (struct zram_disk *d, uint64_t size)
{
  return size < disk_size (d) ? resize_shrink (d, size) : resize_grow (d,
                                                                       size);
}

int
zram_resize (struct zram_disk *d, uint64_t size,
             char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = { .size = size, .page_size = d->layout.page };
  int r;

  r = zram_params_check (&p, message);
  if (r < 0)
    return r;
  pthread_mutex_lock (&d->change);
  reserve_hold (&d->reserve);
  r = resize (d, size);
  reserve_let_go (&d->reserve);
  pthread_mutex_unlock (&d->change);
  if (r == -EBUSY)
    snprintf (message, ZRAM_MESSAGE_MAX, "the disk holds data beyond %"
              PRIu64 ": discard that first", size);
  else if (r < 0)
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for %" PRIu64 " bytes", size);
  return r;
}
