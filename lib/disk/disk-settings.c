/* nbdkit-zram: what a disk is set to: size, codec, limit, reserve.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdatomic.h>

#include "disk.h"

uint64_t
zram_size (const struct zram_disk *d)
{
  return disk_size (d);
}

uint32_t
zram_page_size (const struct zram_disk *d)
{
  return d->layout.page;
}

const char *
zram_algorithm (const struct zram_disk *d)
{
  /* gcc 12 forgets that it is atomic where it is an index. */
  unsigned now = atomic_load (&d->codings.now);
  unsigned id = atomic_load (&d->codings.coding[now].id);

  return codec_get (id)->info.name;
}

int
zram_level (const struct zram_disk *d)
{
  return d->codings.level;
}

uint64_t
zram_mem_limit (const struct zram_disk *d)
{
  return atomic_load (&d->account.limit);
}

void
zram_set_mem_limit (struct zram_disk *d, uint64_t bytes)
{
  atomic_store (&d->account.limit, bytes);
}

bool
zram_swap (const struct zram_disk *d)
{
  return d->reserve.swap;
}

uint64_t
zram_late (const struct zram_disk *d)
{
  return d->late;
}

uint64_t
zram_swap_reserve (const struct zram_disk *d)
{
  return d->reserve.bytes;
}
