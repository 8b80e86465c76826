/* nbdkit-zram: the disk, as the files of lib/ see it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   open.c      parameters checked, disks made and ended
 *   change.c    what can change while a disk is in use: codec, size
 *   disk.c      the data path: read, write, zero, trim
 *   disk-codings.c  the codings in use
 *   extents.c   what the disk holds, without reading it
 *   report.c    statistics
 *   latency.c   how long requests took
 *   idle.c      each slot, and which of them are idle
 *   keeper.c    upkeep in the background, compaction and reset on request
 *   reserve.c   memory made resident ahead of need, for swapping
 *   recount.c   the check of everything against table and objects
 */

#ifndef ZRAM_DISK_H
#define ZRAM_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "codec.h"
#include "coding.h"
#include "latency.h"
#include "layout.h"
#include "map.h"
#include "reserve.h"
#include "shard.h"
#include "stats.h"
#include "worker.h"
#include "workspace.h"
#include "zram.h"

#define SHARDS_MAX 64

struct keeper {
  struct worker worker;
  uint64_t seen[SHARDS_MAX];    /* a shard's changes at the last look */
  uint64_t kept[SHARDS_MAX];    /* and when it was last tidied */
};

struct zram_disk {
  _Atomic uint64_t size;        /* bytes */
  struct layout layout;
  pthread_mutex_t change;       /* of codec or size: one at a time */
  struct codings codings;
  struct workspaces workspaces;
  struct account account;
  struct stats stats;
  struct latencies *latencies;  /* touched only for processors in use */
  struct keeper keeper;
  struct reserve reserve;
  bool track_access;
  struct map map;
  struct shard *shards;
};

static inline uint64_t
disk_size (const struct zram_disk *d)
{
  return atomic_load_explicit (&d->size, memory_order_relaxed);
}

/* How many slots a disk of so many bytes has. */
static inline uint64_t
slots_of (const struct zram_disk *d, uint64_t size)
{
  return (size + d->layout.page - 1) >> d->layout.page_shift;
}

/* Where a slot lives. */
static inline struct shard *
slot_shard (const struct zram_disk *d, uint64_t slot)
{
  return &d->shards[map_shard (&d->map, slot)];
}

static inline uint64_t
slot_local (const struct zram_disk *d, uint64_t slot)
{
  return map_local (&d->map, slot);
}

static inline unsigned
shard_count (const struct zram_disk *d)
{
  return map_shards (&d->map);
}

static inline uint64_t
slots_below (const struct zram_disk *d, unsigned i, uint64_t slot)
{
  return map_below (&d->map, i, slot);
}

/* open.c: a message, and -EINVAL. */
extern int refuse (char message[ZRAM_MESSAGE_MAX], const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* keeper.c */
extern void keeper_init (struct zram_disk *d);

/* disk-codings.c: let a codec at a level write new objects: -ENOMEM, -ENOSPC
 * at the limit, -EBUSY if there are too many codings.  The same with contexts
 * that are not needed given back first.  Free the codings that no object
 * needs any more.
 */
extern int codings_use (struct zram_disk *d, unsigned codec, int level);
extern int codings_switch (struct zram_disk *d, unsigned codec, int level);
extern void codings_tidy (struct zram_disk *d);

/* Is [offset, offset + count) on the disk? */
static inline bool
disk_has (const struct zram_disk *d, uint64_t count, uint64_t offset)
{
  uint64_t size = disk_size (d);

  return offset <= size && count <= size - offset;
}

#endif /* ZRAM_DISK_H */
