/* nbdkit-zram: names of exports.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   zramN                      the disk
 *   zramN/ATTRIBUTE            text
 *   zramN/block_state/START    the same from slot START on
 *   stats.json, metrics        text of all devices
 *   control                    the mailbox
 *
 * They come from clients.  They are compared, and nothing else: no name
 * is ever taken for that of a file.
 */

#ifndef ZRAM_EXPORT_NAME_H
#define ZRAM_EXPORT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"

enum export_type {
  EXPORT_DISK, EXPORT_ATTR, EXPORT_JSON, EXPORT_METRICS, EXPORT_CONTROL
};

struct export_name {
  enum export_type type;
  unsigned device;              /* of a disk or attribute */
  const struct attr *attr; /* that can be read */
  uint64_t from;                /* START */
};

/* False: there can be no such export. */
extern bool export_name_parse (const char *text, struct export_name *name);

#endif /* ZRAM_EXPORT_NAME_H */
