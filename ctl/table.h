/* nbdzramctl: tables on the standard output, through libsmartcols.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <libsmartcols/libsmartcols.h>

#include "commands.h"

/* Make a table, named for JSON, and print it as the options say: --raw, --json
 * and --noheadings.  NULL with a fault.
 */
extern struct libscols_table *table_new (const struct options *o,
                                         const char *name);

/* Add a column.  JSON has it as a number, or else as a text. */
extern void table_column (struct libscols_table *tb, const char *name,
                          double width, int flags, bool is_number);

/* Put a text, or NULL, into the i-th cell of a line; NULL without memory.  The
 * text is given away.  With --raw an empty cell gets a dash: programs count
 * words.
 */
extern void table_put (const struct options *o, struct libscols_line *line,
                       size_t i, char *text);

/* Print it.  -1 with a fault. */
extern int table_print (struct libscols_table *tb);

#endif /* TABLE_H */
