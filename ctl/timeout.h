/* nbdzramctl: the time, and how long an answer may take.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TIMEOUT_H
#define TIMEOUT_H

#include <stdint.h>

/* How long to wait unless told, in seconds; and at most. */
#define TIMEOUT_SECONDS 10
#define TIMEOUT_MAX 86400

#define SECOND UINT64_C (1000000000)    /* ns */

/* Return the time of CLOCK_MONOTONIC, in ns or in ms. */
extern uint64_t clock_ns (void);
extern uint64_t clock_ms (void);

/* Set the limit to the word of --timeout; NULL leaves it.  -1 with a fault. */
extern int timeout_parse (const char *seconds);

/* Return the seconds that one exchange with a server may take, and those that
 * a program may take.
 */
extern unsigned timeout_seconds (void);
extern uint64_t timeout_program_seconds (void);

/* Return when an exchange that begins now must be over, in ms. */
extern uint64_t timeout_deadline (void);

#endif /* TIMEOUT_H */
