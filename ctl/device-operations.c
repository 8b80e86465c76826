/* nbdzramctl: the operations of a device, and how long they took.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "device-operations.h"
#include "must.h"

const struct operation operations[OPERATIONS] = {
  { "read", "reads", "read_bytes" },
  { "write", "writes", "write_bytes" },
  { "zero", "zeroes", NULL },
  { "trim", "trims", NULL },
};

uint64_t
operation_latency (device *d, const struct operation *op, const char *member)
{
  FREED char *path = must_printf ("latency.%s.%s", op->name, member);

  return device_count (d, path);
}
