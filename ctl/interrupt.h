/* nbdzramctl: signals that end the tool, where that leaves nothing half
 * done.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>
#include <time.h>

/* From here to interrupt_end, remember signals that would end the tool.  They
 * end what it is waiting for.
 */
extern void interrupt_begin (void);

/* Restore the signals, and die of the one that came, if any. */
extern void interrupt_end (void);

/* Say whether one came. */
extern bool interrupt_came (void);

/* Say whether one is pending that was not looked at yet.  May be called by a
 * handler of signals.
 */
extern bool interrupt_pending (void);

/* Say whether one came and is to end what is being done: they are not deferred.
 * interrupt_check returns -1 then, with a fault.
 */
extern bool interrupt_stops (void);
extern int interrupt_check (void);

/* Switch deferring on or off.  While it is on, signals are remembered but end
 * nothing, so that something can be undone to its end.
 */
extern void interrupt_defer (bool on);
extern bool interrupt_deferred (void);

/* Wait for such a signal or the end of a child.  True: one of them came. */
extern bool interrupt_wait (const struct timespec *timeout);

/* Sleep some milliseconds.  -1 with a fault if a signal came; or, while they
 * are deferred, if that has taken as long as a program may take.
 */
extern int interrupt_pause (unsigned ms);

#endif /* INTERRUPT_H */
