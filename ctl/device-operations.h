/* nbdzramctl: the operations of a device, and how long they took.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef DEVICE_OPERATIONS_H
#define DEVICE_OPERATIONS_H

#include "server-json.h"

/* One that the server tells latencies of. */
struct operation {
  const char *name;             /* in "latency" */
  const char *count, *bytes;    /* of the JSON; bytes may be NULL */
};
enum { OPERATIONS = 4 };
extern const struct operation operations[OPERATIONS];

/* Return a member of an operation's latency, such as "p50_ns". */
extern uint64_t operation_latency (device *d, const struct operation *op,
                                   const char *member);

#endif /* DEVICE_OPERATIONS_H */
