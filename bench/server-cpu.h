/* nbdkit-zram: the CPU time that a server has used.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_SERVER_CPU_H
#define BENCH_SERVER_CPU_H

#include <stdint.h>
#include <sys/types.h>

/* Return the CPU time, in nanoseconds, of all threads of a process that live
 * now, and of its children: some servers have a child for each connection.  It
 * ends the program if there is no such process.
 */
extern uint64_t server_cpu (pid_t pid);

#endif /* BENCH_SERVER_CPU_H */
