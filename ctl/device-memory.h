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

/* Divide the memory of a device by kind.  The kinds add up to mem_used_total,
 * but for what changes while they are read.
 */
extern void memory_kinds (device *d, struct memory_kind kinds[MEMORY_KINDS]);

/* Count the pages of one repeated word that is not zero. */
extern uint64_t device_same_not_zero (device *d);

#endif /* DEVICE_MEMORY_H */
