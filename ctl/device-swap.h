/* nbdzramctl: is it safe to swap to a device?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef DEVICE_SWAP_H
#define DEVICE_SWAP_H

#include "server-json.h"

/* Say in a line whether it is safe: "unsafe, not in force: lock; 16M ready of
 * a reserve of 16M".  To be freed.
 */
extern char *device_swap_line (device *d, bool bytes);

#endif /* DEVICE_SWAP_H */
