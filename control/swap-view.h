/* nbdkit-zram: is it safe to swap to a disk?
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It takes the steps of the whole process (swap.h), and a reserve of the
 * disk's own.
 */

#ifndef ZRAM_SWAP_VIEW_H
#define ZRAM_SWAP_VIEW_H

#include <stdbool.h>

#include "devices.h"
#include "swap.h"

/* Return whether all that is vital is in force. */
extern bool swap_view_safe (const struct device_view *view);

/* Return the same as a word: off (it is not meant to be), unsafe, safe. */
extern const char *swap_view_word (const struct device_view *view);

/* Write step n of it, the reserve last, to *step.  False past the last. */
extern bool swap_view_step (const struct device_view *view, unsigned n,
                            struct swap_step *step);

#endif /* ZRAM_SWAP_VIEW_H */
