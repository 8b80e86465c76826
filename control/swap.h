/* nbdkit-zram: the steps that make it safe to swap to a disk of this process.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * These steps concern the whole process.  In addition, each disk with
 * swap=true has a reserve of its own (reserve.h).
 */

#ifndef ZRAM_SWAP_H
#define ZRAM_SWAP_H

#include <stdbool.h>

/* One step, taken or not. */
struct swap_step {
  const char *name;
  bool vital;                   /* swapping is not safe without it */
  bool in_force;
};

/* The things that the steps need from the server.
 *
 * The steps are not left to the server, because it may not take them.  With
 * nbdkit --swap, for example, a daemon is not locked: nbdkit locks its memory
 * before it forks, and locks do not survive the fork.
 */
struct swap_server {
  unsigned skip;                /* a bit for each step to leave out, to see
                                   what happens; 1 is the first */
  const char *skip_why;         /* the reason, for the warnings */
  void (*become_user) (void);   /* become the user that the server will be
                                   when it serves; called in a child */
  void (*warn) (const char *line);      /* show a warning, or log it */
};

/* The longest line that warn gets, with its NUL. */
#define SWAP_WARNING_MAX 512

/* List the steps, none of them taken.  Call it before all other functions. */
extern void swap_load (void);

/* Raise the limits, and warn of each step that will be refused, after a child
 * process has tried them.  Call it before the server drops its privileges and
 * goes to the background.
 */
extern void swap_prepare (const struct swap_server *server);

/* Take the steps, and warn of each refused step of which swap_prepare did not
 * warn.  Call it in the background and before any thread is made, because
 * threads inherit the result.
 */
extern void swap_take (const struct swap_server *server);

/* Return whether swap_take was called.  If it was not when the server started
 * to serve, it is too late: no new disk can have swap=true.
 */
extern bool swap_taken (void);

/* Return the steps, and write their number to *n. */
extern const struct swap_step *swap_steps (unsigned *n);

/* Touch the stack of this thread, the first time that the thread calls this:
 * later there may be no memory for the stack.
 */
extern void swap_touch_stack (void);

/* Prepare this thread for a request.  Call it before each request. */
extern bool swap_on;
static inline void
swap_request (void)
{
  if (swap_on)
    swap_touch_stack ();
}

#endif /* ZRAM_SWAP_H */
