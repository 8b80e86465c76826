/* nbdkit-zram: what makes it safe to swap to a disk of this process.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * These steps concern the whole process.  Each disk with swap=true has a
 * reserve of its own besides (reserve.h).
 */

#ifndef ZRAM_SWAP_H
#define ZRAM_SWAP_H

#include <stdbool.h>

/* One step, taken or not. */
struct swap_step {
  const char *name;
  bool vital;                   /* it is not safe without it */
  bool in_force;
};

/* What the steps need of the server, whichever it is.
 *
 * Not every server does these things itself.  nbdkit --swap, for one, does
 * none of it for a daemon: it locks its memory before it forks, and locks do
 * not survive that.
 */
struct swap_server {
  unsigned skip;                /* a bit for each step to be left out, to see
                                   what it is good for; 1 is the first */
  const char *skip_why;         /* what to say of those */
  void (*become_user) (void);   /* become the user that the server will be
                                   when it serves; called in a child */
  void (*warn) (const char *line);      /* tell whoever looks at it now */
};

/* The longest line that warn gets, with its NUL. */
#define SWAP_WARNING_MAX 512

/* List the steps, none of them taken.  Before all others. */
extern void swap_load (void);

/* Raise the limits, while we may, and warn of each step that will be refused:
 * a child tries them.  Before the server drops its privileges and goes to the
 * background.
 */
extern void swap_prepare (const struct swap_server *server);

/* Take the steps, and warn of those refused that swap_prepare did not warn
 * of.  In the background, and before any thread is made: threads inherit it.
 */
extern void swap_take (const struct swap_server *server);

/* Return whether swap_take was called: a disk can no longer ask for it. */
extern bool swap_taken (void);

/* Return the steps, *n of them. */
extern const struct swap_step *swap_steps (unsigned *n);

/* Touch the stack of this thread, if it has not been; there may be no memory
 * for it later.
 */
extern void swap_touch_stack (void);

/* Call it before each request. */
extern bool swap_on;
static inline void
swap_request (void)
{
  if (swap_on)
    swap_touch_stack ();
}

#endif /* ZRAM_SWAP_H */
