/* nbdzramctl: waiting, but never without end.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each exchange with a server has a moment at which it is given up.  What
 * waits asks for one small step of time after the other, and between them
 * looks whether that moment or a signal has come.
 */

#ifndef WAIT_H
#define WAIT_H

#include <stdint.h>

/* Return how many ms to wait in one step, at least 1.  -1 with a fault if it
 * is time to give up, or if a signal came.  The fault says that who has not
 * answered: "the server at URI".
 */
extern int wait_step (uint64_t deadline, const char *who);

/* Wait until a file can be read from or written to (events as for poll).  -1
 * with a fault.
 */
extern int wait_file (int fd, short events, uint64_t deadline,
                      const char *who);

#endif /* WAIT_H */
