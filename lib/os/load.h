/* nbdkit-zram: how busy the machine is.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_LOAD_H
#define ZRAM_LOAD_H

#include <stdint.h>

#define LOAD_PRESSURE "/proc/pressure/cpu"
#define LOAD_MEMORY "/proc/meminfo"

/* Return in how many percent of the last ten seconds somebody had to wait for
 * a processor, rounded down; or -1: the kernel does not say.
 */
extern int load_pressure (const char *file);

/* Return how many percent of the machine's memory are in use and could not be
 * had at once, rounded down; 0 if the kernel does not say.
 */
extern unsigned load_memory (const char *file);

#endif /* ZRAM_LOAD_H */
