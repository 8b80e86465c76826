/* nbdkit-zram: the disk, as the files of lib/ see it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   disk.c           the data path: read, zero, trim
 *   disk-write.c     the data path: write
 *   disk-open.c      parameters checked, disks made and ended
 *   disk-settings.c  what a disk is set to
 *   disk-codec.c     the codec changed while the disk is in use
 *   disk-dictionary.c  which dictionary new objects are written with
 *   disk-resize.c    the size changed while the disk is in use
 *   disk-upkeep.c    upkeep started and stopped; compaction and reset
 *   disk-extents.c   what the disk holds, without reading it
 *   disk-slots.c     each slot, and which of them are idle
 *   disk-stats.c     statistics
 *   disk-recompress.c  recompression on request
 *   disk-check.c     everything recounted from table and objects
 *   disk-latency.c   how long requests took
 */

#ifndef ZRAM_DISK_H
#define ZRAM_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "codec.h"
#include "coding.h"
#include "dictionary-job.h"
#include "keeper.h"
#include "late-work.h"
#include "latency.h"
#include "layout.h"
#include "map.h"
#include "parts.h"
#include "recompress.h"
#include "reserve.h"
#include "shard.h"
#include "stats.h"
#include "upkeep.h"
#include "workspace.h"
#include "zram.h"

struct zram_disk {
  _Atomic uint64_t size;        /* bytes */
  struct layout layout;
  pthread_mutex_t change;       /* of codec or size: one at a time */
  struct codings codings;
  struct workspaces workspaces;
  struct account account;
  struct stats stats;
  struct latencies *latencies;  /* touched only for processors in use */
  struct parts parts;           /* where of these upkeep finds what it needs */
  struct keeper keeper;
  struct reserve reserve;
  enum zram_dictionary dictionary;
  struct dictionary *given;     /* the one given, or NULL */
  struct dictionary_job dictionary_job;
  struct recompressor recompressor;
  _Atomic uint64_t secondary[ZRAM_PRIORITIES];  /* see disk-recompress.c */
  uint64_t late;                /* bytes of late pages, at most */
  unsigned leave_one;           /* up to so many requests at once leave a
                                   processor that can compress late pages;
                                   0: requests come in parallel anyway */
  _Atomic unsigned writing;     /* requests; counted if leave_one */
  _Atomic unsigned crowded;     /* not 0: there were more lately */
  struct late_work late_work;
  struct upkeep upkeep;
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

/* disk-open.c: a message, and -EINVAL. */
extern int refuse (char message[ZRAM_MESSAGE_MAX], const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* disk-open.c: the coding that checked parameters ask for. */
extern struct coding_kind disk_kind (const struct zram_params *p);

/* disk-dictionary.c: check the parameters of a dictionary, which nobody has
 * but the codec of `kind'.  -EINVAL or -ENOMEM, with message.
 */
extern int disk_check_dictionary (const struct zram_params *p,
                                  const struct coding_kind *kind,
                                  char message[ZRAM_MESSAGE_MAX]);

/* disk-dictionary.c: make what a disk needs for dictionaries, and free it.
 * -ENOMEM.
 */
extern int disk_make_dictionary (struct zram_disk *d,
                                 const struct zram_params *p);
extern void disk_free_dictionary (struct zram_disk *d);

/* disk-dictionary.c: the dictionary of new objects of a codec, or NULL; with
 * `change' locked, or before anybody else knows the disk.
 */
extern struct dictionary *disk_dictionary (struct zram_disk *d, unsigned id);

/* Is [offset, offset + count) on the disk? */
static inline bool
disk_has (const struct zram_disk *d, uint64_t count, uint64_t offset)
{
  uint64_t size = disk_size (d);

  return offset <= size && count <= size - offset;
}

/* Between disk.c and disk-write.c. */

/* A part of a request that lies in one page. */
struct piece {
  uint64_t slot;
  uint32_t from, n;             /* bytes within the page */
};

static inline struct piece
disk_first_piece (const struct zram_disk *d, uint64_t count, uint64_t offset)
{
  struct piece p = { .slot = offset >> d->layout.page_shift };

  p.from = (uint32_t) (offset & (d->layout.page - 1));
  p.n = d->layout.page - p.from;
  if (p.n > count)
    p.n = (uint32_t) count;
  return p;
}

/* Fetch a page, and claim it if `claim' is not NULL. */
extern int disk_fetch (struct zram_disk *d, struct shard *s, uint64_t slot,
                       struct fetch *f, struct claim *claim);

/* Decode what a fetch brought into page: the whole of it. */
extern int disk_decode (struct zram_disk *d, struct workspace *w,
                        const struct content *c, char *page);

/* Write buf, or zeroes if it is NULL, to a part of a page.  `empty' is what
 * it becomes if it is all zeroes.
 */
extern int disk_write_part (struct zram_disk *d, struct workspace *w,
                            const struct piece *p, const void *buf,
                            enum content_type empty);

/* r is of a request that can be done again.  If memory was short, and there
 * is more now because late pages have been compressed: true.  Holding no
 * workspace.
 */
extern bool disk_make_room (struct zram_disk *d, int r, uint64_t *tries);

#endif /* ZRAM_DISK_H */
