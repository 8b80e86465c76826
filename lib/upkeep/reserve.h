/* nbdkit-zram: memory made resident ahead of need, for swapping.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the kernel swaps to the disk, a write comes when there is no
 * memory, and is to make some: it must not wait for any itself.  So with
 * swap=true all that the data path works with is touched when the server
 * starts, and a reserve of empty segments, raw pages and nodes is kept
 * resident.  Writes use it up from one end.  A thread fills it from the
 * other: that thread may wait for memory, and so holds no lock while it
 * touches a block, and it is also the one that gives back what is too
 * much, so that a write or trim makes no system call for memory at all.
 */

#ifndef ZRAM_RESERVE_H
#define ZRAM_RESERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "parts.h"
#include "worker.h"

struct reserve {
  const struct parts *parts;
  bool swap;                    /* the disk is to be swapped to */
  uint64_t bytes;               /* what the reserve is meant to be */
  pthread_mutex_t fill;         /* held while a block is on its way, and by
                                   those who would move what it lies in */
  struct worker worker;
};

/* bytes: how large it is to be; 0: none.  Without swap nothing is done. */
extern void reserve_init (struct reserve *r, const struct parts *parts,
                          bool swap, uint64_t bytes);
extern void reserve_destroy (struct reserve *r);

/* Touch everything, fill the reserve, start the thread.  -errno. */
extern int reserve_start (struct reserve *r);
extern void reserve_stop (struct reserve *r);

/* Pools and tables are about to move, or be replaced. */
extern void reserve_hold (struct reserve *r);
extern void reserve_let_go (struct reserve *r);

/* They have been replaced: touch, and fill, again. */
extern void reserve_renew (struct reserve *r);

/* There are contexts that nobody has used. */
extern void reserve_touch_codecs (struct reserve *r);

#endif /* ZRAM_RESERVE_H */
