/* nbdkit-zram: what makes it safe to swap to a disk of this process.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * These are steps that concern the whole process; each disk with swap=true
 * has a reserve of its own besides (lib/reserve.h).
 */

#ifndef ZRAM_SWAP_H
#define ZRAM_SWAP_H

#include <stdbool.h>

/* A step that was taken, or not. */
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
  void (*become_user) (void);   /* become the user that the server will be
                                   when it serves; called in a child */
  void (*warn) (const char *line);      /* tell whoever looks at it now */
};

/* The longest line that warn gets, with its NUL. */
#define SWAP_WARNING_MAX 512

/* So that there are steps to be told about, none of them taken. */
extern void swap_load (void);

/* Before the server drops its privileges and goes to the background: what
 * can only be done then.  Warns of each step that will be refused, which was
 * tried in a child.
 */
extern void swap_prepare (const struct swap_server *server);

/* After that, and before any thread is made: threads inherit it.  Says in
 * the log which step was refused that was not warned of.
 */
extern void swap_take (const struct swap_server *server);

/* Have they been tried?  A disk that is added later finds them so. */
extern bool swap_taken (void);

/* The steps, for statistics. */
extern const struct swap_step *swap_steps (unsigned *n);

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
