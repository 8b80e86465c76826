/* nbdkit-zram: a compressed RAM disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This is the whole public interface of the disk.  lib/ knows pages, codecs
 * and memory.  It does not know NBD or nbdkit, so the plugin, the unit tests
 * and the benchmarks can all use it through this header.
 *
 * Unless a comment says otherwise, a function returns 0 or a negative errno,
 * and may be called from any thread at any time between open and close.
 * Offsets and counts are in bytes.  If offset + count passes the end of the
 * disk, the function returns -EINVAL.
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

/* A message is one line for people to read, without a newline. */
#define ZRAM_MESSAGE_MAX 256

#define ZRAM_CODECS_MAX 16
#define ZRAM_CODINGS_MAX 16

/* Dictionaries, of codecs that take one: what a disk's pages have in common. */
enum zram_dictionary {
  ZRAM_DICTIONARY_AUTO,         /* trained on the disk's own pages, if that
                                   saves memory; not with swap */
  ZRAM_DICTIONARY_OFF,          /* none */
  ZRAM_DICTIONARY_GIVEN,        /* this one */
};
#define ZRAM_DICTIONARY_MAX ((size_t) 1 << 20)  /* bytes of one given */

/* Upkeep recompresses pages that nobody uses, with better levels.  These are
 * the numbers that it goes by; zram_upkeep_info says what each means.
 */
enum zram_upkeep_number {
  ZRAM_UPKEEP_IDLE_MIN, ZRAM_UPKEEP_IDLE_MAX, ZRAM_UPKEEP_COLD,
  ZRAM_UPKEEP_SHORT, ZRAM_UPKEEP_FULL, ZRAM_UPKEEP_LEVEL,
  ZRAM_UPKEEP_COLD_LEVEL, ZRAM_UPKEEP_GAIN, ZRAM_UPKEEP_LEAST,
  ZRAM_UPKEEP_CPU, ZRAM_UPKEEP_PRESSURE, ZRAM_UPKEEP_SPEED,
  ZRAM_UPKEEP_NUMBERS
};
struct zram_upkeep {
  bool on;
  uint64_t n[ZRAM_UPKEEP_NUMBERS];      /* if it is on */
};

enum zram_upkeep_unit {
  ZRAM_UPKEEP_SECONDS, ZRAM_UPKEEP_PERCENT, ZRAM_UPKEEP_BYTES,
  ZRAM_UPKEEP_COUNT
};
struct zram_upkeep_info {
  const char *key;
  enum zram_upkeep_unit unit;
  uint64_t usual, min, max;
  const char *means;            /* one phrase */
};
extern const struct zram_upkeep_info *zram_upkeep_info (unsigned n);

/* Return upkeep that is on, with the usual numbers. */
extern struct zram_upkeep zram_upkeep_usual (void);

struct zram_params {
  uint64_t size;                /* bytes, 1 .. ZRAM_SIZE_MAX */
  uint32_t page_size;           /* bytes, a power of two; 0: 4096 */
  const char *algo;             /* codec's name or alias; NULL: the default */
  bool has_level;               /* else the codec's default level */
  int level;
  uint64_t mem_limit;           /* bytes; 0: none */
  bool track_access;            /* remember when pages were accessed: four
                                   bytes of table for each page */
  struct zram_upkeep upkeep;    /* not with swap */
  bool swap;                    /* zram_keeper_start makes all memory that
                                   the disk works with resident for good */
  uint64_t swap_reserve;        /* bytes kept resident for the next writes;
                                   only with swap; 0: none */
  uint64_t late;                /* bytes of pages that may wait to be
                                   compressed; 0: none; not with swap */
  bool serial;                  /* who calls from one connection waits for
                                   each answer: others may compress */
  enum zram_dictionary dictionary;
  const void *dictionary_data;  /* if it is given; zram_open copies it */
  size_t dictionary_bytes;
};

struct zram_disk;

/* Return the name of the default codec: zstd, or the first codec of this build
 * if it has no zstd.  The string is static.
 */
extern const char *zram_codec_default (void);

/* Describe codec number n, in the order in which to show codecs; NULL past the
 * last.  The result and its strings are static.  A codec without levels has
 * level_min > level_max.
 */
struct zram_codec_info {
  const char *name, *version;
  const char *alias;            /* another name for it, or NULL */
  int level_min, level_max, level_default;
  const char *level_means;      /* what a larger level does; one phrase */
};
extern const struct zram_codec_info *zram_codec_info (unsigned n);

/* Check every parameter against its range.  On -EINVAL, message says what is
 * wrong and what would be right.
 */
extern int zram_params_check (const struct zram_params *params,
                              char message[ZRAM_MESSAGE_MAX]);

/* Make an empty disk, which zram_close frees.  It reserves address space and
 * codec contexts, and touches almost none of that, whatever the size.
 * -EINVAL or -ENOMEM, with message.
 */
extern int zram_open (const struct zram_params *params,
                      struct zram_disk **disk,
                      char message[ZRAM_MESSAGE_MAX]);

/* Free a disk and all data on it.  No other call may be running.  NULL is
 * allowed.
 */
extern void zram_close (struct zram_disk *disk);

/* Start and stop the keeper, which is the thread that compacts the arena when
 * the disk is idle, and those that compress late pages.  If there is a reserve,
 * also start and stop the thread that fills it; the reserve is full when
 * zram_keeper_start returns.  This is separate from zram_open because threads
 * do not survive the fork of a daemon.  Stopping a keeper that was never
 * started is allowed.  The thread of upkeep, if that is on, starts and stops
 * with it.
 */
extern int zram_keeper_start (struct zram_disk *disk);
extern void zram_keeper_stop (struct zram_disk *disk);

/* Read, write, zero or trim count bytes from offset on.
 *
 * pread fills all of buf or fails.
 * If pwrite fails, each page is still completely old or completely new: the
 * pages before the one that failed are new, and the others are old.
 * zero makes the range read as zeroes, which count as allocated; trim makes
 * it a hole, which reads as zeroes too.  Both are exact to the byte, and cost
 * nothing for a range that holds nothing.
 *
 * -EIO     an object could not be decompressed (and was counted)
 * -ENOSPC  mem_limit was reached
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

/* Report the extents of a range: in order, without gaps, clipped to the range,
 * and with neighbours of one type joined.  If emit returns non-zero, stop and
 * return that value.
 */
enum zram_extent { ZRAM_EXTENT_HOLE, ZRAM_EXTENT_ZERO, ZRAM_EXTENT_DATA };
typedef int zram_extent_fn (void *opaque, uint64_t offset, uint64_t length,
                            enum zram_extent type);
extern int zram_extents (struct zram_disk *disk,
                         uint64_t count, uint64_t offset,
                         zram_extent_fn *emit, void *opaque);

/* Change the codec of new objects.  The disk may be in use: stored objects
 * stay as they are, and are read with the codec that wrote them.  The level is
 * as in struct zram_params.  On an error message says why, and nothing has
 * changed: -EINVAL; -ENOMEM; -ENOSPC if the codec's own memory does not fit
 * below mem_limit; -EBUSY if the disk has objects of 16 other combinations of
 * codec and level.
 */
extern int zram_set_algorithm (struct zram_disk *disk, const char *algo,
                               bool has_level, int level,
                               char message[ZRAM_MESSAGE_MAX]);

/* Grow the disk, or shrink it if there are only holes beyond the new end.  The
 * disk may be in use.  Clients see the new size when they connect again.  On an
 * error message says why, and nothing has changed: -EINVAL, -EBUSY if there is
 * more than holes beyond the new end, or -ENOMEM.
 */
extern int zram_resize (struct zram_disk *disk, uint64_t size,
                        char message[ZRAM_MESSAGE_MAX]);

/* Mark pages idle.  0 seconds: mark all pages.  Otherwise mark the pages that
 * were not read or written for more than that many seconds, and unmark the
 * others; without zram_params.track_access this is -EINVAL.  Same-filled pages
 * are never marked.  A read or a write unmarks a page.
 */
extern int zram_mark_idle (struct zram_disk *disk, uint64_t seconds);

/* Call look for each allocated slot from `from' on, in order.  If look returns
 * non-zero, stop and return that value.
 */
#define ZRAM_SLOT_SAME 1u
#define ZRAM_SLOT_HUGE 2u
#define ZRAM_SLOT_IDLE 4u
#define ZRAM_SLOT_RECOMPRESSED 8u
#define ZRAM_SLOT_INCOMPRESSIBLE 16u    /* recompressing it gained nothing */
#define ZRAM_SLOT_LATE 32u      /* it waits to be compressed */
struct zram_slot {
  uint64_t slot;
  unsigned flags;
  uint32_t bytes;               /* stored; 0: same-filled */
  unsigned coding;              /* which of the disk's, if it is compressed;
                                   else ZRAM_CODINGS_MAX */
  uint64_t accessed;            /* seconds since boot; 0 if not tracked */
};
typedef int zram_slot_fn (void *opaque, const struct zram_slot *slot);
extern int zram_each_slot (struct zram_disk *disk, uint64_t from,
                           zram_slot_fn *look, void *opaque);

/* Recompression.  A page has a priority: 0 as it was written, or 1 to 3 of
 * what it was recompressed with.
 */
#define ZRAM_PRIORITIES 4

/* Say what the recompression of a priority, 1 to 3, writes with.  Level as in
 * struct zram_params.  What is recompressed already stays as it is.  -EINVAL
 * with message.
 */
extern int zram_set_recompression (struct zram_disk *disk, unsigned priority,
                                   const char *algo, bool has_level,
                                   int level, char message[ZRAM_MESSAGE_MAX]);

/* The codec and level of a priority; NULL: there is none.  The name is
 * static; the level is 0 if the codec has none.
 */
extern const char *zram_recompression (const struct zram_disk *disk,
                                       unsigned priority, int *level);

/* Recompress pages of lower priorities, but for those that were found
 * incompressible, the largest first.  Runs of one disk wait for one another;
 * nothing else waits for them.  -EINVAL; -EIO: a page is damaged; -ENOMEM, or
 * -ENOSPC at the limit; -EBUSY: too many codecs and levels; -ESHUTDOWN:
 * proceed returned false; with message.  What was done before stays.
 */
struct zram_recompress {
  unsigned priority;            /* 1 to 3 */
  unsigned flags;               /* only slots that have all of these */
  uint32_t threshold;           /* only what is stored in so many bytes or
                                   more, if it comes below; 0: any */
  uint64_t max_pages;           /* to try; UINT64_MAX: all */
  /* Called before each page, and now and then between; false: end.  NULL: go
   * on.
   */
  bool (*proceed) (void *opaque);
  void *opaque;

  /* Filled in: pages tried and made smaller, the bytes that these were stored
   * in before, and how many less they are now.
   */
  uint64_t tried, done, bytes, gained;
};
extern int zram_recompress (struct zram_disk *disk,
                            struct zram_recompress *recompress,
                            char message[ZRAM_MESSAGE_MAX]);

/* The disk is about to be closed: let runs of recompression end soon, and none
 * begin.
 */
extern void zram_end_jobs (struct zram_disk *disk);

/* Forget all data.  Size, parameters, limit and what recompression writes
 * with stay; event counters start again from 0.  I/O at the same time is safe,
 * but its data may or may not be forgotten.
 */
extern int zram_reset (struct zram_disk *disk);

/* Compress what is late, and compact until no segment can be freed.  I/O may
 * run at the same time.
 */
extern int zram_compact (struct zram_disk *disk);

/* Return the size of the disk, and of its pages, in bytes. */
extern uint64_t zram_size (const struct zram_disk *disk);
extern uint32_t zram_page_size (const struct zram_disk *disk);

/* Return the codec and the level of new objects.  The name is static; the
 * level is 0 if the codec has no levels.
 */
extern const char *zram_algorithm (const struct zram_disk *disk);
extern int zram_level (const struct zram_disk *disk);

/* Return how many pages can be compressed or decompressed at once. */
extern unsigned zram_streams (const struct zram_disk *disk);

/* Get which dictionary it was made with, and a line that says whether one is
 * used and, if not, why.  The line is static.
 */
extern enum zram_dictionary zram_dictionary (const struct zram_disk *disk);
extern const char *zram_dictionary_says (const struct zram_disk *disk);

/* Get or set mem_limit, in bytes; 0: no limit.  If more is held than a new
 * limit allows, the data stays, and writes that need more memory are refused.
 */
extern uint64_t zram_mem_limit (const struct zram_disk *disk);
extern void zram_set_mem_limit (struct zram_disk *disk, uint64_t bytes);

/* Return whether the disk was made with swap, and the intended size of its
 * reserve in bytes.
 */
extern bool zram_swap (const struct zram_disk *disk);
extern uint64_t zram_swap_reserve (const struct zram_disk *disk);

/* Return how many bytes of pages may wait to be compressed; 0: none. */
extern uint64_t zram_late (const struct zram_disk *disk);

/* Set mem_used_max to the memory that is held now. */
extern void zram_reset_peak (struct zram_disk *disk);

/* Statistics, read without a lock.  Each field is exact for some moment during
 * the call, not necessarily the same moment.  pages_stored is never less than
 * the sum of its kinds, nor same_pages less than zero_pages.  Pages are of the
 * disk's page size; sizes are in bytes.
 */
struct zram_stats {
  /* What is stored now; the names are those of kernel zram's mm_stat. */
  uint64_t pages_stored;        /* holes are not counted */
  uint64_t orig_data_size;      /* pages_stored in bytes */
  uint64_t compr_data_size;     /* objects and raw pages, no metadata */
  uint64_t same_pages;          /* of one repeated word, zeroes included */
  uint64_t zero_pages;          /* part of same_pages: all zeroes */
  uint64_t huge_pages;          /* kept raw, but for late ones */
  uint64_t split_pages;         /* objects kept in two fragments */
  uint64_t late_pages;          /* to be compressed; raw until then */

  /* Memory that the process holds for the disk.  mem_used_total is the sum of
   * the kinds below it, unless they change while they are read.
   */
  uint64_t mem_used_total, mem_used_max, mem_limit;
  uint64_t mem_segments;        /* segments and their descriptors */
  uint64_t mem_raw;             /* raw pages */
  uint64_t mem_table;           /* nodes of the page table */
  uint64_t mem_codecs;          /* contexts and their buffers */
  uint64_t mem_other;           /* shards, bitmaps, the disk itself */
  uint64_t mem_directories;     /* part of mem_segments: their directories */
  uint64_t mem_free;            /* part of mem_segments: free for objects */
  uint64_t mem_ready;           /* part of segments, raw and table: empty and
                                   ready for the next writes */
  uint64_t mem_ready_segments, mem_ready_raw, mem_ready_table;

  /* Dictionaries. */
  uint64_t dictionaries;        /* that objects need, or are written with */
  uint64_t dictionary_bytes;    /* that they hold, of mem_codecs, and of
                                   mem_other if one was given */
  uint64_t dictionary_trainings;        /* how often one was trained */
  uint64_t dictionary_gain;     /* what the last one tried saved, in thousandths
                                   of the pages' compressed size; 0: nothing */

  /* For each codec, by its number in zram_codec_info. */
  struct {
    uint64_t pages, bytes;      /* compressed with it now */
  } codec[ZRAM_CODECS_MAX];

  /* The same by coding: a codec, with a level, a dictionary and a priority. */
  struct zram_coding {
    unsigned codec;             /* as zram_codec_info counts them */
    int level;
    unsigned priority;
    bool dictionary;
    uint64_t pages, bytes;      /* no pages: there is none of this number */
  } coding[ZRAM_CODINGS_MAX];
  uint64_t recompressed_pages;  /* of a priority over 0 now */
  uint64_t incompressible_pages;        /* that recompression gave up on */

  /* Pages that recompression tried and made smaller, and bytes gained. */
  uint64_t recompress_tried, recompress_done, recompress_gained;
  /* Of a run that goes on: pages it is to try, and is done with; else 0. */
  uint64_t recompress_found, recompress_handled;

  /* What happened. */
  uint64_t reads, writes, read_bytes, write_bytes;
  uint64_t zeroes, trims;       /* requests */
  uint64_t notify_free;         /* pages freed by trim */
  uint64_t failed_reads, failed_writes;
  uint64_t corrupt;             /* objects that would not decode */
  uint64_t huge_pages_since;    /* pages ever kept raw */
  uint64_t pages_compacted;     /* segments given back by compaction */
  uint64_t objects_moved, bytes_moved;  /* by compaction */
  uint64_t merges_retried;      /* times that a partial write was repeated,
                                   because the page had changed */
  uint64_t late_hits;           /* pages written again while late */
  uint64_t late_saved;          /* compressions: those, and pages trimmed
                                   while late */
  uint64_t reserve_misses;      /* times that a write found the reserve used
                                   up and took memory itself */

  /* What upkeep did, since the disk was made. */
  uint64_t upkeep_rounds, upkeep_tried;         /* pages */
  uint64_t upkeep_idle_pages, upkeep_cold_pages;        /* that shrank */
  uint64_t upkeep_gained;       /* bytes */
  uint64_t upkeep_cpu_ms;       /* that its thread used */
};
extern void zram_stats (const struct zram_disk *disk,
                        struct zram_stats *stats);

/* Kinds of requests whose latency is counted. */
/* What upkeep does, or why it does nothing, now. */
enum zram_upkeep_state {
  ZRAM_UPKEEP_OFF,              /* it was not asked for */
  ZRAM_UPKEEP_OFF_SWAP,         /* the disk is to be swapped to */
  ZRAM_UPKEEP_OFF_CODEC,        /* zstd was left out of this build */
  ZRAM_UPKEEP_OFF_THREAD,       /* its thread does not run */
  ZRAM_UPKEEP_WORKS,
  ZRAM_UPKEEP_WAITS_LITTLE,     /* too little is stored; value: bytes */
  ZRAM_UPKEEP_WAITS_IDLE,       /* nothing is idle; value: s that a page has
                                   to be */
  ZRAM_UPKEEP_PAUSED,           /* value: the pressure in percent */
  ZRAM_UPKEEP_NO_MEMORY,        /* for what it works with; value: errno */
  ZRAM_UPKEEP_STATES
};

enum { ZRAM_UPKEEP_STAGES = 2 };        /* idle pages, and cold ones */

struct zram_upkeep_report {
  enum zram_upkeep_state state;
  uint64_t value;               /* of the state */
  bool any;                     /* something was ever done: */
  unsigned stage;               /* what it did last */
  uint64_t tried, done, gained; /* in that, pages, pages and bytes */
  uint64_t ago;                 /* s since */
};
extern void zram_upkeep_report (const struct zram_disk *disk,
                                struct zram_upkeep_report *report);

/* Do all at once that upkeep would do in a day in which nobody used the disk.
 * Upkeep must be on, and the keeper must not run.  -ENOTSUP if upkeep is off;
 * -ENOSPC, -ENOMEM or -EBUSY (too many codings).
 */
extern int zram_upkeep_now (struct zram_disk *disk);

/* Return what the disk was made with. */
extern struct zram_upkeep zram_upkeep (const struct zram_disk *disk);

/* How long requests took, in the engine: not in the server, the network or
 * the client.
 */
enum zram_op {
  ZRAM_OP_READ, ZRAM_OP_WRITE, ZRAM_OP_ZERO, ZRAM_OP_TRIM, ZRAM_OPS
};

/* How long requests took in the engine, without the server, the network and
 * the client.  Bucket i counts requests that took less than
 * zram_latency_bound (i) ns and not less than the bound before.  Four buckets
 * cover each doubling.  The last bucket has no bound.
 */
#define ZRAM_LATENCY_BUCKETS 112
struct zram_latency {
  uint64_t count, sum_ns;
  uint64_t bucket[ZRAM_LATENCY_BUCKETS];
};
extern uint64_t zram_latency_bound (unsigned bucket);
extern void zram_latency (const struct zram_disk *disk, enum zram_op op,
                          struct zram_latency *latency);

/* Return the time, in ns, that a fraction of the requests, 0 to 1, did not
 * exceed.  It is the upper bound of a bucket.  0 if there were no requests.
 */
extern uint64_t zram_latency_quantile (const struct zram_latency *latency,
                                       double fraction);

/* Recount every counter and list from the table and the objects, and compare.
 * All I/O waits meanwhile: this is for tests and debugging.  On -EIO, message
 * has the first difference.
 */
extern int zram_recount (struct zram_disk *disk,
                         char message[ZRAM_MESSAGE_MAX]);

#endif /* ZRAM_H */
