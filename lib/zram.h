/* nbdkit-zram: a compressed RAM disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The whole public face of the disk.  lib/ knows pages, codecs and
 * memory; it knows nothing of NBD or nbdkit, so the plugin, the unit
 * tests and the benchmarks all use the engine through this page.
 *
 * Unless a comment says otherwise a function returns 0 or a negative
 * errno, and may be called from any thread at any time between open and
 * close.  Offsets and counts are bytes; the caller guarantees that
 * offset + count does not pass the end of the disk, and the engine
 * answers -EINVAL when it does.
 */

#ifndef ZRAM_H
#define ZRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of the format; lib/layout.h derives them. */
#define ZRAM_PAGE_MIN UINT32_C (4096)
#define ZRAM_PAGE_MAX UINT32_C (65536)
#define ZRAM_SIZE_MAX (UINT64_C (1) << 44)     /* 16 TiB */

/* A message is one line, without a newline, for a person to read. */
#define ZRAM_MESSAGE_MAX 256

#define ZRAM_CODECS_MAX 16

struct zram_params {
  uint64_t size;                /* bytes, 1 .. ZRAM_SIZE_MAX */
  uint32_t page_size;           /* bytes, a power of two; 0: 4096 */
  const char *algo;             /* codec's name or alias; NULL: the default */
  bool has_level;               /* else the codec's default level */
  int level;
  uint64_t mem_limit;           /* bytes; 0: none */
  bool track_access;            /* remember when pages were accessed: four
                                   bytes a page of table */
  bool swap;                    /* the memory it works with is made resident
                                   by zram_keeper_start, and stays so */
  uint64_t swap_reserve;        /* bytes kept resident for what is written,
                                   ahead of need; only with swap; 0: none */
};

struct zram_disk;

/* The name of the codec used when none is named: zstd, or the first
 * compiled in where zstd was left out.
 */
extern const char *zram_codec_default (void);

/* Describe codec number n, in the order to show them; NULL past the last.
 * The strings are static.  level_min > level_max: it has no levels.
 */
struct zram_codec_info {
  const char *name, *version;
  const char *alias;            /* another name for it, or NULL */
  int level_min, level_max, level_default;
  const char *level_means;      /* what a larger level does; one phrase */
};
extern const struct zram_codec_info *zram_codec_info (unsigned n);

/* Check every parameter against its range.  -EINVAL puts what is wrong,
 * and what would be right, in message.
 */
extern int zram_params_check (const struct zram_params *params,
                              char message[ZRAM_MESSAGE_MAX]);

/* Make an empty disk.  Reserves address space and codec contexts, and
 * touches next to nothing of either, whatever the size.
 * -EINVAL or -ENOMEM, with message.
 */
extern int zram_open (const struct zram_params *params,
                      struct zram_disk **disk,
                      char message[ZRAM_MESSAGE_MAX]);

/* No other call may be running.  NULL is allowed. */
extern void zram_close (struct zram_disk *disk);

/* Start and stop the keeper, the thread that compacts the arena when the
 * disk is idle, and where there is a reserve the thread that fills it; it
 * is full when zram_keeper_start returns.  Separate from open because a
 * thread does not survive the fork of a daemon.  Stopping one that never
 * started is allowed.
 */
extern int zram_keeper_start (struct zram_disk *disk);
extern void zram_keeper_stop (struct zram_disk *disk);

/* The data path.
 *
 * pread fills all of buf or fails.
 * pwrite that fails has changed no page it did not report: each page is
 * either wholly the old one or wholly the new one, and pages before the
 * failing one are new.
 * zero leaves the range reading as zeroes, allocated; trim does so with
 * holes.  Both are exact to the byte, and cost nothing for a range that
 * holds nothing.
 *
 * -EIO     an object could not be decompressed (and was counted)
 * -ENOSPC  mem_limit reached
 * -ENOMEM  the system has no more memory
 */
extern int zram_pread (struct zram_disk *disk, void *buf,
                       uint64_t count, uint64_t offset);
extern int zram_pwrite (struct zram_disk *disk, const void *buf,
                        uint64_t count, uint64_t offset);
extern int zram_zero (struct zram_disk *disk,
                      uint64_t count, uint64_t offset);
extern int zram_trim (struct zram_disk *disk,
                      uint64_t count, uint64_t offset);

/* Report what the range holds, in order, without gaps, clipped to the
 * range, neighbours of one type joined.  emit returns non-zero to stop:
 * that value is then returned.
 */
enum zram_extent { ZRAM_EXTENT_HOLE, ZRAM_EXTENT_ZERO, ZRAM_EXTENT_DATA };
typedef int zram_extent_fn (void *opaque, uint64_t offset, uint64_t length,
                            enum zram_extent type);
extern int zram_extents (struct zram_disk *disk,
                         uint64_t count, uint64_t offset,
                         zram_extent_fn *emit, void *opaque);

/* Change the codec of new objects, while the disk is in use; what is
 * stored stays as it is and is read with the codec that wrote it.  Level
 * as in struct zram_params.  -EINVAL; -ENOMEM; -ENOSPC if what the codec
 * itself holds does not fit below mem_limit; -EBUSY if objects of 16
 * codecs and levels are there and none is of this codec; with message, and
 * nothing is changed.
 */
extern int zram_set_algorithm (struct zram_disk *disk, const char *algo,
                               bool has_level, int level,
                               char message[ZRAM_MESSAGE_MAX]);

/* Grow the disk, or shrink it if nothing but holes lies beyond the new
 * end, while it is in use.  Clients see the new size when they connect
 * anew.  -EINVAL, -EBUSY (the tail is in use) or -ENOMEM, with message,
 * and nothing is changed.
 */
extern int zram_resize (struct zram_disk *disk, uint64_t size,
                        char message[ZRAM_MESSAGE_MAX]);

/* Mark pages idle: all, or those that were not read or written for more
 * than so many seconds, of which the younger lose the mark.  Same-filled
 * pages are not marked; a read or write takes the mark off.  Ages need
 * zram_params.track_access: else -EINVAL for seconds > 0.
 */
extern int zram_mark_idle (struct zram_disk *disk, uint64_t seconds);

/* Look at each allocated slot from `from' on, in order.  look returns
 * non-zero to stop: that value is then returned.
 */
#define ZRAM_SLOT_SAME 1u
#define ZRAM_SLOT_HUGE 2u
#define ZRAM_SLOT_IDLE 4u
#define ZRAM_SLOT_RECOMPRESSED 8u
#define ZRAM_SLOT_INCOMPRESSIBLE 16u    /* recompressing it gained nothing */
struct zram_slot {
  uint64_t slot;
  unsigned flags;
  uint32_t bytes;               /* that it is stored in; 0: same-filled */
  unsigned coding;              /* which of the disk's, if it is compressed */
  uint64_t accessed;            /* s since boot; 0 if not tracked */
};
typedef int zram_slot_fn (void *opaque, const struct zram_slot *slot);
extern int zram_each_slot (struct zram_disk *disk, uint64_t from,
                           zram_slot_fn *look, void *opaque);

/* Forget all data; size, parameters and limit stay, counters of what
 * happened start again.  I/O that runs meanwhile is safe, and may or may
 * not survive.
 */
extern int zram_reset (struct zram_disk *disk);

/* Compact until no segment can be freed.  Runs beside I/O. */
extern int zram_compact (struct zram_disk *disk);

extern uint64_t zram_size (const struct zram_disk *disk);
extern uint32_t zram_page_size (const struct zram_disk *disk);

/* The codec and level of new objects.  The name is static; the level is
 * 0 if the codec has none.
 */
extern const char *zram_algorithm (const struct zram_disk *disk);
extern int zram_level (const struct zram_disk *disk);

/* Return how many pages can be compressed or decompressed at once. */
extern unsigned zram_streams (const struct zram_disk *disk);

/* Bytes; 0: none.  A limit below what is held keeps the data and refuses
 * what would need more.
 */
extern uint64_t zram_mem_limit (const struct zram_disk *disk);
extern void zram_set_mem_limit (struct zram_disk *disk, uint64_t bytes);

/* Was it made with swap=true, and how large is its reserve meant to be? */
extern bool zram_swap (const struct zram_disk *disk);
extern uint64_t zram_swap_reserve (const struct zram_disk *disk);

/* Let mem_used_max start again from what is held now. */
extern void zram_reset_peak (struct zram_disk *disk);

/* A snapshot of the counters, taken without a lock: each field is exact
 * for some moment, and the moments lie within the call.  pages_stored is
 * never less than its kinds together, nor same_pages less than zero_pages.
 * Pages are of the disk's page size; sizes are bytes.
 */
struct zram_stats {
  /* What is stored now; the names are those of kernel zram's mm_stat. */
  uint64_t pages_stored;        /* holes are not */
  uint64_t orig_data_size;      /* pages_stored in bytes */
  uint64_t compr_data_size;     /* objects and raw pages, no metadata */
  uint64_t same_pages;          /* same-filled, zero ones included */
  uint64_t zero_pages;          /* of those, zero */
  uint64_t huge_pages;          /* kept raw */
  uint64_t split_pages;         /* objects kept in two fragments */

  /* What the process holds for it.  mem_used_total is the sum of the kinds
   * below it, but for what changes while they are read.
   */
  uint64_t mem_used_total, mem_used_max, mem_limit;
  uint64_t mem_segments;        /* segments and their descriptors */
  uint64_t mem_raw;             /* raw pages */
  uint64_t mem_table;           /* nodes of the page table */
  uint64_t mem_codecs;          /* contexts and their buffers */
  uint64_t mem_other;           /* shards, bitmaps, the disk itself */
  uint64_t mem_directories;     /* of mem_segments: their directories */
  uint64_t mem_free;            /* of mem_segments: free for objects */
  uint64_t mem_ready;           /* of segments, raw and table: empty, ready
                                   for what is written next */
  uint64_t mem_ready_segments, mem_ready_raw, mem_ready_table;

  /* By codec number, as zram_codec_info counts them. */
  struct {
    uint64_t pages, bytes;      /* compressed with it now */
  } codec[ZRAM_CODECS_MAX];

  /* What happened. */
  uint64_t reads, writes, read_bytes, write_bytes;
  uint64_t zeroes, trims;       /* requests */
  uint64_t notify_free;         /* pages freed by trim */
  uint64_t failed_reads, failed_writes;
  uint64_t corrupt;             /* objects that would not decode */
  uint64_t huge_pages_since;    /* pages ever kept raw */
  uint64_t pages_compacted;     /* segments given back by compaction */
  uint64_t objects_moved, bytes_moved;  /* by compaction */
  uint64_t merges_retried;      /* partial writes that met another write */
  uint64_t reserve_misses;      /* times that a write found the reserve used
                                   up and took memory itself */
};
extern void zram_stats (const struct zram_disk *disk,
                        struct zram_stats *stats);

/* How long requests took, in the engine: not in the server, the network or
 * the client.
 */
enum zram_op {
  ZRAM_OP_READ, ZRAM_OP_WRITE, ZRAM_OP_ZERO, ZRAM_OP_TRIM, ZRAM_OPS
};

/* Bucket i counts requests that took less than zram_latency_bound (i) ns
 * and not less than the bound before; a step is a quarter of a doubling.
 * The last has no bound.
 */
#define ZRAM_LATENCY_BUCKETS 112
struct zram_latency {
  uint64_t count, sum_ns;
  uint64_t bucket[ZRAM_LATENCY_BUCKETS];
};
extern uint64_t zram_latency_bound (unsigned bucket);
extern void zram_latency (const struct zram_disk *disk, enum zram_op op,
                          struct zram_latency *latency);

/* The time that a fraction of the requests, 0 to 1, did not exceed; the
 * upper bound of its bucket, in ns.  0 if there were none.
 */
extern uint64_t zram_latency_quantile (const struct zram_latency *latency,
                                       double fraction);

/* Check the structure: recount every counter and list from table and
 * objects and compare.  Keeps all I/O waiting meanwhile: it is for tests
 * and debugging.  -EIO puts the first difference in message.
 */
extern int zram_recount (struct zram_disk *disk,
                         char message[ZRAM_MESSAGE_MAX]);

#endif /* ZRAM_H */
