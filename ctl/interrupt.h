/* nbdzramctl: signals that end the tool, where that leaves nothing half
 * done.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <time.h>

/* Remember signals that would end the tool, from here to interrupt_end; they
 * end what it is waiting for.
 */
extern void interrupt_begin (void);

/* Die of the signal, if one came. */
extern void interrupt_end (void);

/* Say whether one came. */
extern bool interrupt_came (void);

/* Say whether one waits that was not looked at yet.  For handlers of
 * signals.
 */
extern bool interrupt_pending (void);

/* Return -1 with a fault if one came, unless they are deferred. */
extern int interrupt_check (void);

/* Return -1, with the signal as the fault. */
extern int interrupt_fault (void);

/* Do what follows to its end, for it takes something back; or no more. */
extern void interrupt_defer (bool on);
extern bool interrupt_deferred (void);

/* Wait for such a signal or the end of a child.  True: one of them came. */
extern bool interrupt_wait (const struct timespec *timeout);

/* Sleep some milliseconds.  -1 with a fault if a signal came; or, while they
 * are deferred, if that has taken as long as a program may take.
 */
extern int interrupt_pause (unsigned ms);

#endif /* INTERRUPT_H */
