/* nbdkit-zram: a percentage of this machine's RAM, as people write it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_RAM_SHARE_H
#define ZRAM_RAM_SHARE_H

#include <stdint.h>

/* Parse 1% to 100%, and write that part of the RAM to *bytes.  Return NULL, or
 * a static text that says what is wrong.
 */
extern const char *ram_share_parse (const char *value, uint64_t *bytes);

#endif /* ZRAM_RAM_SHARE_H */
