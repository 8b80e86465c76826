/* nbdkit-zram: what makes it safe to swap to a disk of this process.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * These are steps that concern the whole process; each disk with swap=true
 * has a reserve of its own besides (lib/reserve.h).
 */

#ifndef ZRAM_SWAP_H
#define ZRAM_SWAP_H

#include <stdbool.h>

#include "attr.h"

/* So that there are steps to be told about, none of them taken. */
extern void swap_load (void);

/* Before the server drops its privileges and goes to the background: what
 * can only be done then.  Warns of each step that will be refused, which was
 * tried in a child.
 */
extern void swap_prepare (void);

/* After that, and before any thread is made: threads inherit it.  Says in
 * the log which step was refused that was not warned of.
 */
extern void swap_take (void);

/* Have they been tried?  A disk that is added later finds them so. */
extern bool swap_taken (void);

/* The steps, for statistics. */
extern const struct zram_step *swap_steps (unsigned *n);

/* A thread is about to serve a request: its first touches its stack, for
 * there may be no memory for it later.
 */
extern bool swap_on;
extern void swap_touch_stack (void);

static inline void
swap_request (void)
{
  if (swap_on)
    swap_touch_stack ();
}

#endif /* ZRAM_SWAP_H */
