/* nbdkit-zram: what upkeep does, in words.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_UPKEEP_VIEW_H
#define ZRAM_UPKEEP_VIEW_H

#include "devices.h"
#include "strbuf.h"

/* Add three lines: what it does, or why it does nothing, now; what it did
 * last; and what it gained.  0, or the error that is in the text.
 */
extern int upkeep_view_show (const struct device_view *view,
                             struct strbuf *text);

/* Return the word for a state. */
extern const char *upkeep_view_word (enum zram_upkeep_state state);

/* Write what it does now, or why it does nothing, as one phrase. */
#define UPKEEP_VIEW_MAX 128
extern void upkeep_view_now (const struct zram_disk *disk,
                             char buf[UPKEEP_VIEW_MAX]);

#endif /* ZRAM_UPKEEP_VIEW_H */
