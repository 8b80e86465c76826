/* nbdkit-zram: old dictionaries made to go.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_DICTIONARY_RETIRE_H
#define ZRAM_DICTIONARY_RETIRE_H

#include <stdint.h>

#include "parts.h"

/* How far it has got. */
struct retiring {
  uint64_t generation;          /* that goes; 0: none */
  unsigned shard;
  uint64_t slot;
};

/* See to it that at most so many generations of dictionaries are in use: else
 * rewrite some pages of the oldest as new ones are written.  0: there are no
 * more; -EAGAIN: call again; -EBUSY: pages of it stay, since there is no room
 * to rewrite them; -ENOSPC, -ENOMEM.
 */
extern int dictionary_retire (const struct parts *parts, struct retiring *r,
                              unsigned max);

#endif /* ZRAM_DICTIONARY_RETIRE_H */
