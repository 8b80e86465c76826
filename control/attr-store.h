/* nbdkit-zram: writing to attributes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions behind the table in attr.c: see struct attr.
 */

#ifndef ZRAM_ATTR_STORE_H
#define ZRAM_ATTR_STORE_H

#include <stdbool.h>

#include "zram.h"

#define ATTR_DISKSIZES "a multiple of 512 up to 16T"

typedef int attr_store_fn (struct zram_disk *disk, const char *value,
                           char message[ZRAM_MESSAGE_MAX]);
extern attr_store_fn attr_store_disksize, attr_store_reset, attr_store_compact;
extern attr_store_fn attr_store_mem_limit, attr_store_mem_used_max;
extern attr_store_fn attr_store_idle;
extern attr_store_fn attr_store_comp_algorithm, attr_store_algorithm_params;
extern attr_store_fn attr_store_recomp_algorithm, attr_store_recompress;

/* What takes long asks now and then, in the thread that stores, whether to go
 * on.  The server sets it before it serves.  NULL: always.
 */
extern bool (*attr_goes_on) (void);

/* Return whether writing a value would take data away from clients: see
 * harms_clients in struct attr.
 */
extern bool attr_shrinks (const struct zram_disk *disk, const char *value);
extern bool attr_resets_unasked (const struct zram_disk *disk,
                                 const char *value);

#endif /* ZRAM_ATTR_STORE_H */
