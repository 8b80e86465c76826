/* nbdzramctl: the columns of the table of devices.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stdio.h>

#include "attached.h"
#include "server-json.h"

enum column_kind {
  COLUMN_NAME,                  /* text */
  COLUMN_TEXT,
  COLUMN_INTEGER,
  COLUMN_SIZE,                  /* bytes */
  COLUMN_TIME,                  /* ns */
  COLUMN_RATIO,
  COLUMN_DEVICE,                /* where it is attached on this machine */
  COLUMN_MOUNT
};

struct column {
  const char *name;
  enum column_kind kind;
  const char *path;             /* in the device's JSON */
  double width;                 /* libsmartcols' hint */
  const char *help;
};

/* The columns of the plain table. */
extern const char columns_default[];

/* Look up the columns of a list, "NAME,DATA", in any case.  "+DATA" adds to
 * those of the plain table; NULL means all.  Return how many there are, or -1
 * with a fault.
 */
#define COLUMNS_MAX 64
extern int columns_choose (const char *list,
                           const struct column *chosen[COLUMNS_MAX]);

/* Say whether JSON has a column as a number, and whether tables have it at the
 * right.  bytes: sizes and times are in digits.
 */
extern bool column_is_number (const struct column *c, bool bytes);
extern bool column_is_right (const struct column *c);

/* Return what stands in a column.  NULL: nothing.  To be freed. */
extern char *column_text (const struct column *c, device *d,
                          const struct attached *attached, bool bytes);

/* Print a line for each column, for --help. */
extern void columns_help (FILE *fp);

#endif /* COLUMNS_H */
