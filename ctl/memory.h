/* nbdzramctl: what the memory of a device consists of.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef MEMORY_H
#define MEMORY_H

#include "state.h"

enum { MEMORY_KINDS = 7 };

struct memory_kind {
  const char *name, *help;
  uint64_t bytes;
};

/* They add up to mem_used_total, but for what changes while they are read. */
extern void memory_kinds (device *d, struct memory_kind kinds[MEMORY_KINDS]);

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

#endif /* MEMORY_H */
