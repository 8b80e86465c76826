/* nbdkit-zram: what the load generator is asked to do.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "nbdclient.h"

/* Requests of one kind, for a time or a number of them. */
struct phase {
  const char *op, *pattern;
  unsigned reads;               /* per cent of all requests */
  enum nbd_command other;       /* what the others are */
  bool sequential, compare;
  uint64_t block, count;        /* count 0: until the time is over */
  unsigned depth;
  double warmup, seconds;
};

extern struct load_options {
  struct nbd_address address;
  unsigned connections;
  uint64_t size;                /* of the disk, as much as is used */
  bool fill, verify, zeroes_allowed;
  pid_t server;                 /* 0: its CPU time is not asked for */
  const char *corpus;           /* mapped; NULL: none */
  uint64_t corpus_size;
  struct phase phase;
} opt;

/* Set opt from the command line.  Ends the program if it is wrong. */
extern void load_options (int argc, char *argv[]);

#endif /* BENCH_LOAD_H */
