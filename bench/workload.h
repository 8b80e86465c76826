/* nbdkit-zram: which requests are made, and what they took.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "latency.h"
#include "load-options.h"

/* What a phase took: times in nanoseconds, and the latencies of each kind. */
enum kind { KIND_READ, KIND_WRITE, KIND_TRIM, KIND_ZERO, KINDS };
struct measured {
  uint64_t time, server, client;
  struct latency latency[KINDS];
};

extern enum kind workload_kind (enum nbd_command command);

/* Choose what the next request is to do. */
extern enum nbd_command workload_command (const struct phase *phase,
                                          uint64_t *state);

/* Return where a block is: at its place, or with opt.scatter somewhere on the
 * disk, always the same place and no two blocks at one.
 */
extern uint64_t workload_offset (const struct phase *phase, uint64_t block);

/* Return what the random numbers of a thread begin with. */
extern uint64_t workload_seed (unsigned thread);

/* Fill in the times until now; server stays 0 unless opt.server is set. */
extern void workload_times (struct measured *measured);

/* A way to a disk. */
struct engine {
  uint64_t (*open) (void);      /* the size of the disk */
  /* Carry a phase out, and say what it took after the warm-up. */
  void (*run) (const struct phase *phase, struct measured *measured);
  void (*close) (void);
};
/* load-nbd.c, load-device.c */
extern const struct engine nbd_engine, device_engine;

#endif /* BENCH_WORKLOAD_H */
