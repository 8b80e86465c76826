/* nbdkit-zram: what the programs here share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* Print the program's name and a line, and end the program. */
extern void die (const char *format, ...)
  __attribute__ ((noreturn, format (printf, 1, 2)));

/* Allocate zeroes, or end the program.  To be freed. */
extern void *allocate (size_t n, size_t size);

/* Map a file to be read, all of it in memory, or end the program. */
extern const char *map_file (const char *path, uint64_t *size);

/* Return the time of CLOCK_MONOTONIC in nanoseconds, and the CPU time of this
 * thread.
 */
extern uint64_t now (void);
extern uint64_t thread_cpu (void);

/* Return a random number below n, and move the state on; that is never 0. */
extern uint64_t random_below (uint64_t *state, uint64_t n);

#endif /* BENCH_SUPPORT_H */
