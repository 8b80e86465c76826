/* nbdkit-zram: names of exports.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   zramN                      the disk
 *   zramN/ATTRIBUTE            text
 *   zramN/ATTRIBUTE/START      a listing, from page START on
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
#include "report.h"

enum export_type {
  EXPORT_DISK, EXPORT_ATTR, EXPORT_REPORT, EXPORT_CONTROL
};

struct export_name {
  enum export_type type;
  unsigned device;              /* of a disk or attribute */
  const struct attr *attr; /* that can be read */
  const struct report *report;
  uint64_t from;                /* START */
};

/* Take a name apart.  False: there can be no such export. */
extern bool export_name_parse (const char *text, struct export_name *name);

#endif /* ZRAM_EXPORT_NAME_H */
