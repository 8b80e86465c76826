/* nbdkit-zram: upkeep as people write it, auto,idle-min=30m.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_UPKEEP_SETTING_H
#define ZRAM_UPKEEP_SETTING_H

#include "zram.h"

/* Read `off', or `auto' and any of the engine's numbers as ,KEY=VALUE.  -1
 * with a message that quotes what is wrong.
 */
extern int upkeep_setting_parse (const char *text, struct zram_upkeep *upkeep,
                                 char message[ZRAM_MESSAGE_MAX]);

/* Write one of the numbers, as it is to be read.  Return buf. */
#define UPKEEP_SETTING_MAX 32
extern const char *upkeep_setting_number (unsigned n, uint64_t value,
                                          char buf[UPKEEP_SETTING_MAX]);

#endif /* ZRAM_UPKEEP_SETTING_H */
