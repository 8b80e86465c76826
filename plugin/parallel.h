/* nbdkit-zram: may requests of one connection run in parallel?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_PARALLEL_H
#define ZRAM_PARALLEL_H

#include <stdbool.h>

/* Set what parallel= says: auto, on or off.  False: it is none of them. */
extern bool parallel_set (const char *value);

/* Return whether they may, with what was set and the nbdkit that runs. */
extern bool parallel_on (void);

/* Return whether this nbdkit survives a client that goes away while several
 * threads serve it.
 */
extern bool parallel_is_safe (void);

#endif /* ZRAM_PARALLEL_H */
