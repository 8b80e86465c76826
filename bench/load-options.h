/* nbdkit-zram: what the load generator is asked to do.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "nbd-client.h"

/* A phase: requests of one kind, for a time or a number of them. */
struct phase {
  const char *op, *pattern;
  unsigned reads, trims;        /* per cent of all requests */
  enum nbd_command other;       /* what the others are */
  bool sequential, zipf, compare, fills;
  uint64_t block, count;        /* count 0: until the time is over */
  unsigned depth;
  double warmup, seconds;
};

extern struct load_options {
  struct nbd_address address;
  const char *device;           /* instead of an address */
  unsigned connections;
  uint64_t size;                /* as much of the disk as is used */
  uint64_t disk_size;           /* all of it */
  bool fill, verify, zeroes_allowed, scatter;
  pid_t server;                 /* 0: its CPU time is not asked for */
  const char *corpus;           /* mapped; NULL: none */
  uint64_t corpus_size;
  unsigned seed;
  struct phase phase;
} opt;

/* Set opt from the command line.  It ends the program if that is wrong. */
extern void load_options (int argc, char *argv[]);

#endif /* BENCH_LOAD_OPTIONS_H */
