/* nbdzramctl: what the memory of a device consists of.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef DEVICE_MEMORY_H
#define DEVICE_MEMORY_H

#include "server-json.h"

enum { MEMORY_KINDS = 8 };

struct memory_kind {
  const char *name, *help;
  uint64_t bytes;
};

/* They add up to mem_used_total, but for what changes while they are read. */
extern void memory_kinds (device *d, struct memory_kind kinds[MEMORY_KINDS]);

/* Pages of one repeated word that is not zero. */
extern uint64_t same_not_zero (device *d);

/* Is it safe to swap to, in a line: "unsafe, not in force: lock; 16M ready
 * of a reserve of 16M".  To be freed.
 */
extern char *swap_line (device *d, bool bytes);

/* The operations that the server tells latencies of. */
struct operation {
  const char *name;             /* in "latency" */
  const char *count, *bytes;    /* bytes may be NULL */
};
enum { OPERATIONS = 4 };
extern const struct operation operations[OPERATIONS];

/* A member of an operation's latency, "p50_ns". */
extern uint64_t operation_latency (device *d, const struct operation *op,
                                   const char *member);

#endif /* DEVICE_MEMORY_H */
