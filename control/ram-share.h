/* nbdkit-zram: a part of this machine's memory, as people write it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_RAM_SHARE_H
#define ZRAM_RAM_SHARE_H

#include <stdint.h>

/* Read 1% to 100%, and write so much of the RAM to *bytes.  NULL, or what is
 * wrong with it.
 */
extern const char *ram_share_parse (const char *value, uint64_t *bytes);

#endif /* ZRAM_RAM_SHARE_H */
