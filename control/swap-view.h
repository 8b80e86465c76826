/* nbdkit-zram: whether it is safe to swap to a disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is safe if the steps of the whole process (swap.h) are in force, and the
 * disk has a reserve.
 */

#ifndef ZRAM_SWAP_VIEW_H
#define ZRAM_SWAP_VIEW_H

#include <stdbool.h>

#include "devices.h"
#include "swap.h"

/* Return whether all vital steps are in force. */
extern bool swap_view_safe (const struct device_view *view);

/* Return the same as a word: off (without swap=true), unsafe or safe. */
extern const char *swap_view_word (const struct device_view *view);

/* Write step n to *step; the last one is the reserve.  False past the last. */
extern bool swap_view_step (const struct device_view *view, unsigned n,
                            struct swap_step *step);

#endif /* ZRAM_SWAP_VIEW_H */
