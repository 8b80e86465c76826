/* nbdzramctl: tables on the standard output, through libsmartcols.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdlib.h>

#include "message.h"
#include "must.h"
#include "table.h"

struct libscols_table *
table_new (const struct options *o, const char *name)
{
  struct libscols_table *tb;

  scols_init_debug (0);
  tb = scols_new_table ();
  if (!tb) {
    fault ("there is no more memory");
    return NULL;
  }
  scols_table_enable_raw (tb, o->raw);
  scols_table_enable_json (tb, o->json);
  scols_table_enable_noheadings (tb, o->noheadings);
  scols_table_set_name (tb, name);
  return tb;
}

void
table_column (struct libscols_table *tb, const char *name, double width,
              int flags, bool is_number)
{
  struct libscols_column *cl = scols_table_new_column (tb, name, width, flags);

  if (cl && is_number)
    scols_column_set_json_type (cl, SCOLS_JSON_NUMBER);
}

void
table_put (const struct options *o, struct libscols_line *line, size_t i,
           char *text)
{
  if (o->raw && (!text || !*text)) {
    free (text);
    text = must_copy ("-");
  }
  if (text && (!line || scols_line_refer_data (line, i, text) < 0))
    free (text);
}

int
table_print (struct libscols_table *tb)
{
  return scols_print_table (tb) < 0 ? fault ("cannot print the table") : 0;
}
