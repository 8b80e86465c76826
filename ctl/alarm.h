/* nbdzramctl: what waits below us, in a library, is woken now and then.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ALARM_H
#define ALARM_H

#include <stdint.h>

/* From here to alarm_end, calls that wait are interrupted some times a second,
 * so that libraries come back to us; and when the time of wait.h is over, or a
 * signal waits that shall end the tool, the socket is shut down, for those
 * that do not.  One at a time.
 */
extern void alarm_begin (uint64_t deadline);
extern void alarm_socket (int fd);
extern void alarm_end (void);

#endif /* ALARM_H */
