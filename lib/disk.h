/* nbdkit-zram: the disk, as the files of lib/ see it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   open.c      parameters checked, disks made and ended
 *   disk.c      the data path: read, write, zero, trim
 *   extents.c   what the disk holds, without reading it
 *   report.c    statistics
 *   keeper.c    upkeep in the background, compaction and reset on request
 *   recount.c   the check of everything against table and objects
 */

#ifndef ZRAM_DISK_H
#define ZRAM_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "codec.h"
#include "layout.h"
#include "shard.h"
#include "stats.h"
#include "workspace.h"
#include "zram.h"

#define SHARDS_MAX 64

struct keeper {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool running, stop;
};

struct zram_disk {
  uint64_t size;                /* bytes */
  uint64_t nslots;
  struct layout layout;
  unsigned codec;               /* that new objects are written with */
  void *params[CODEC_MAX];      /* by codec; NULL where not in use */
  struct workspaces workspaces;
  struct account account;
  struct stats stats;
  struct keeper keeper;
  unsigned shard_shift;         /* log2 of their number */
  struct shard *shards;
};

/* Where a slot lives: leaves of the table go to the shards in turn. */
static inline struct shard *
slot_shard (const struct zram_disk *d, uint64_t slot)
{
  return &d->shards[(slot >> NODE_SHIFT) &
                    ((UINT64_C (1) << d->shard_shift) - 1)];
}

static inline uint64_t
slot_local (const struct zram_disk *d, uint64_t slot)
{
  return (slot >> NODE_SHIFT >> d->shard_shift << NODE_SHIFT) |
    (slot & (NODE_ENTRIES - 1));
}

static inline unsigned
shard_count (const struct zram_disk *d)
{
  return 1u << d->shard_shift;
}

/* How many of the slots below `slot' are shard i's: the first of its
 * slots that is not below.
 */
static inline uint64_t
slots_below (const struct zram_disk *d, unsigned i, uint64_t slot)
{
  uint64_t leaf = slot >> NODE_SHIFT;
  uint64_t full = (leaf + shard_count (d) - 1 - i) >> d->shard_shift;
  bool within = (leaf & (shard_count (d) - 1)) == i;

  return (full << NODE_SHIFT) + (within ? slot & (NODE_ENTRIES - 1) : 0);
}

/* Is [offset, offset + count) on the disk? */
static inline bool
disk_has (const struct zram_disk *d, uint64_t count, uint64_t offset)
{
  return offset <= d->size && count <= d->size - offset;
}

#endif /* ZRAM_DISK_H */
