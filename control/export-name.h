/* nbdkit-zram: names of exports.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   zramN                      the disk
 *   zramN/ATTRIBUTE            text
 *   zramN/ATTRIBUTE/START      a listing, from page START on
 *   stats.json, metrics        text of all devices
 *   control                    takes commands
 *
 * Names come from clients.  They are only compared: no name is ever used as
 * the name of a file.
 */

#ifndef ZRAM_EXPORT_NAME_H
#define ZRAM_EXPORT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "report.h"

enum export_type {
  EXPORT_DISK, EXPORT_ATTR, EXPORT_REPORT, EXPORT_CONTROL
};

struct export_name {
  enum export_type type;
  unsigned device;              /* number, of a disk or an attribute */
  const struct attr *attr;      /* one that can be read */
  const struct report *report;
  uint64_t from;                /* START */
};

/* Parse a name.  False if there can be no such export. */
extern bool export_name_parse (const char *text, struct export_name *name);

#endif /* ZRAM_EXPORT_NAME_H */
