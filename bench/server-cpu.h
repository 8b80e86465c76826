/* nbdkit-zram: the CPU time that a server has used.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_SERVER_CPU_H
#define BENCH_SERVER_CPU_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds, of all its threads that live now and of its children, some
 * servers having one for each connection.  Ends the program if there is no
 * such process.
 */
extern uint64_t server_cpu (pid_t pid);

#endif /* BENCH_SERVER_CPU_H */
