/* nbdzramctl: what waits below us, in a library, is woken now and then.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ALARM_H
#define ALARM_H

#include <stdint.h>

/* Interrupt calls that wait, several times a second, until alarm_end, so that
 * libraries return to us.  Some do not return all the same: so when the
 * deadline (in ms) has passed, or a signal is pending that ends the tool, shut
 * the socket down.  Until alarm_socket tells which one it is, all are shut
 * down that were opened since alarm_begin.  There is one alarm at a time.
 */
extern void alarm_begin (uint64_t deadline);
extern void alarm_socket (int fd);
extern void alarm_end (void);

#endif /* ALARM_H */
