/* nbdkit-zram: may requests of one connection run in parallel?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_PARALLEL_H
#define ZRAM_PARALLEL_H

#include <stdbool.h>

/* What parallel= said: auto, on or off.  False: another word. */
extern bool parallel_set (const char *value);

/* What comes of it with the nbdkit that runs. */
extern bool parallel_on (void);

/* Does a client that goes away leave this nbdkit alone, even if several
 * threads serve it?
 */
extern bool parallel_is_safe (void);

#endif /* ZRAM_PARALLEL_H */
