/* nbdkit-zram: whether requests of one connection are served in parallel.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_PARALLEL_H
#define ZRAM_PARALLEL_H

#include <stdbool.h>

/* Set the value of parallel=: auto, on or off.  False if it is none of them. */
extern bool parallel_set (const char *value);

/* Return whether they are, with the value that was set and the running
 * nbdkit.
 */
extern bool parallel_on (void);

/* Return whether this nbdkit survives a client that goes away while several
 * threads serve it.
 */
extern bool parallel_is_safe (void);

#endif /* ZRAM_PARALLEL_H */
