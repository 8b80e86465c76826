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

/* In the order of --output-all; NULL past the last. */
extern const struct column *column_get (unsigned i);

/* Those of the plain table. */
extern const char columns_default[];

/* A list "NAME,DATA", in any case, is looked up; "+DATA" adds to the plain
 * ones.  NULL: all.  The number of columns, or -1 with a fault.
 */
#define COLUMNS_MAX 64
extern int columns_choose (const char *list,
                           const struct column *chosen[COLUMNS_MAX]);

extern bool column_is_number (const struct column *c, bool bytes);
extern bool column_is_right (const struct column *c);

/* What stands in it; to be freed.  NULL: nothing. */
extern char *column_text (const struct column *c, device *d,
                          const struct attached *attached, bool bytes);

/* A line for each, for --help. */
extern void columns_help (FILE *fp);

#endif /* COLUMNS_H */
