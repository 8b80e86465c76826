/* nbdzramctl: the table of devices, as zramctl prints it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include <libsmartcols/libsmartcols.h>

#include "columns.h"
#include "commands.h"
#include "device-name.h"
#include "message.h"
#include "must.h"

static struct libscols_table *
list_new (const struct options *o, const struct column **columns, int n)
{
  struct libscols_table *tb;
  int i;

  scols_init_debug (0);
  tb = scols_new_table ();
  if (!tb)
    return NULL;
  scols_table_enable_raw (tb, o->raw);
  scols_table_enable_json (tb, o->json);
  scols_table_enable_noheadings (tb, o->noheadings);
  scols_table_set_name (tb, "devices");
  for (i = 0; i < n; i++) {
    const struct column *c = columns[i];
    int flags = (column_is_right (c) ? SCOLS_FL_RIGHT : 0) |
                (c->kind == COLUMN_MOUNT ? SCOLS_FL_TRUNC : 0);
    struct libscols_column *cl =
      scols_table_new_column (tb, c->name, c->width, flags);

    if (cl && column_is_number (c, o->bytes))
      scols_column_set_json_type (cl, SCOLS_JSON_NUMBER);
  }
  return tb;
}

static void
list_add (struct libscols_table *tb, const struct options *o,
          const struct column **columns, int n, device *d,
          const struct attached *attached)
{
  struct libscols_line *line = scols_table_new_line (tb, NULL);
  int i;

  for (i = 0; i < n && line; i++) {
    char *text = column_text (columns[i], d, attached, o->bytes);

    /* Print a word for each column, for programs. */
    if (o->raw && (!text || !*text)) {
      free (text);
      text = must_copy ("-");
    }
    /* From here on the line owns it. */
    if (text && scols_line_refer_data (line, (size_t) i, text) < 0)
      free (text);
  }
}

/* Add the devices named, or all of them.  -1 with a fault. */
static int
list_fill (struct libscols_table *tb, const struct options *o,
           const struct column **columns, int n, const struct server *s,
           const struct attached *attached, int argc, char **argv)
{
  unsigned i;
  int j;

  for (i = 0; argc == 0 && i < s->n; i++)
    list_add (tb, o, columns, n, server_device (s, i), attached);
  for (j = 0; j < argc; j++) {
    device *d = device_name_find (s, attached, argv[j]);

    if (!d)
      return -1;
    list_add (tb, o, columns, n, d, attached);
  }
  return 0;
}

int
command_list (const struct options *o, int argc, char **argv)
{
  const struct column *columns[COLUMNS_MAX];
  struct attached *attached;
  struct libscols_table *tb;
  struct server s;
  int n, r;

  n = columns_choose (o->output_all ? NULL
                      : o->output ? o->output : columns_default, columns);
  if (n < 0)
    return usage ("%s", fault_text ());
  if (server_load (o->uri, &s) < 0)
    return failed ();
  attached = attached_load (o->uri);
  tb = list_new (o, columns, n);
  r = !tb ? fault ("there is no more memory")
          : list_fill (tb, o, columns, n, &s, attached, argc, argv);
  /* Print nothing if there are no devices, not even headings, as zramctl does;
   * but JSON is always complete.
   */
  if (r == 0 && s.n == 0 && o->json)
    puts ("{\n   \"devices\": []\n}");
  else if (r == 0 && s.n > 0 && scols_print_table (tb) < 0)
    r = fault ("cannot print the table");
  scols_unref_table (tb);
  attached_free (attached);
  server_free (&s);
  return r < 0 ? failed () : EXIT_OK;
}
