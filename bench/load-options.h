/* nbdkit-zram: what the load generator is asked to do, and its parts.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   loadopts.c  the command line
 *   load.c      the order of things: fill, measure, verify, report
 *   content.c   what is written, and what each block must hold
 *   nbdload.c   requests to an NBD server
 *   devload.c   requests to a block device
 */

#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "latency.h"
#include "nbdclient.h"

/* Requests of one kind, for a time or a number of them. */
struct phase {
  const char *op, *pattern;
  unsigned reads, trims;        /* per cent of all requests */
  enum nbd_command other;       /* what the others are */
  bool sequential, compare, fills;
  uint64_t block, count;        /* count 0: until the time is over */
  unsigned depth;
  double warmup, seconds;
};

extern struct load_options {
  struct nbd_address address;
  const char *device;           /* instead of an address */
  unsigned connections;
  uint64_t size;                /* of the disk, as much as is used */
  uint64_t disk_size;           /* all of it */
  bool fill, verify, zeroes_allowed, scatter;
  pid_t server;                 /* 0: its CPU time is not asked for */
  const char *corpus;           /* mapped; NULL: none */
  uint64_t corpus_size;
  unsigned seed;
  struct phase phase;
} opt;

/* Set opt from the command line.  Ends the program if it is wrong. */
extern void load_options (int argc, char *argv[]);

/* What a phase took: nanoseconds, and the latencies of each kind. */
enum kind { KIND_READ, KIND_WRITE, KIND_TRIM, KIND_ZERO, KINDS };
struct measured {
  uint64_t time, server, client;
  struct latency latency[KINDS];
};

extern enum kind kind_of (enum nbd_command command);

/* A way to a disk.  run carries a phase out and says what it took after
 * the warm-up.
 */
struct engine {
  uint64_t (*open) (void);      /* the size of the disk */
  void (*run) (const struct phase *phase, struct measured *measured);
  void (*close) (void);
};
extern const struct engine nbd_engine, device_engine;

/* Helpers of both engines. */
extern uint64_t now (void);
extern void *allocate (size_t n, size_t size);
extern uint64_t random_below (uint64_t *state, uint64_t n);
extern uint64_t random_seed (unsigned thread);

/* What the next request is to do. */
extern enum nbd_command choose_command (const struct phase *phase,
                                        uint64_t *state);

/* Where a block is: at its place, or with opt.scatter somewhere on the
 * disk, always the same place and no two blocks at one.
 */
extern uint64_t block_offset (const struct phase *phase, uint64_t block);

/* Times until now; server stays 0 unless opt.server is set. */
extern void usage (struct measured *measured);

/* --- content.c.  A content is a piece of the corpus of the phase's block
 * size, counted from 1.  Two threads may not be at one block.
 */
extern void content_open (void);
extern uint32_t content_choose (const struct phase *phase, uint64_t block,
                                uint64_t *state);
extern const char *content_data (const struct phase *phase,
                                 uint32_t content);

/* A request was answered; content is that of a write, data what was read. */
extern void content_done (const struct phase *phase, enum nbd_command command,
                          uint64_t block, uint32_t content,
                          const char *data);

/* Blocks compared; and whether most of what was read in the last phase
 * was zeroes.
 */
extern uint64_t content_verified (void);
extern bool content_was_zeroes (void);

#endif /* BENCH_LOAD_H */
