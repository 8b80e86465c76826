/* nbdzramctl: what waits below us, in a library, is woken now and then.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ALARM_H
#define ALARM_H

#include <stdint.h>

/* Interrupt calls that wait, several times a second, until alarm_end: so
 * libraries return to us.  When the deadline (in ms) has passed, or a signal
 * that ends the tool is pending, shut the socket down, for libraries that do
 * not return; until alarm_socket tells which one it is, each that was opened
 * since alarm_begin.  Only one at a time.
 */
extern void alarm_begin (uint64_t deadline);
extern void alarm_socket (int fd);
extern void alarm_end (void);

#endif /* ALARM_H */
