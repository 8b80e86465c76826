/* nbdzramctl: the table of devices, as zramctl prints it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>

#include "columns.h"
#include "commands.h"
#include "device-name.h"
#include "message.h"
#include "must.h"
#include "table.h"

/* What is printed, and how. */
struct list {
  const struct options *o;
  const struct column *columns[COLUMNS_MAX];
  int n;                        /* columns */
  const struct attached *attached;
  struct libscols_table *tb;
};

static int
list_flags (const struct column *c)
{
  return (column_is_right (c) ? SCOLS_FL_RIGHT : 0) |
         (c->kind == COLUMN_MOUNT ? SCOLS_FL_TRUNC : 0);
}

/* Begin the table with its columns. */
static int
list_begin (struct list *l)
{
  int i;

  l->tb = table_new (l->o, "devices");
  if (!l->tb)
    return -1;
  for (i = 0; i < l->n; i++) {
    const struct column *c = l->columns[i];

    table_column (l->tb, c->name, c->width, list_flags (c),
                  column_is_number (c, l->o->bytes));
  }
  return 0;
}

static void
list_add (const struct list *l, device *d)
{
  struct libscols_line *line = scols_table_new_line (l->tb, NULL);
  int i;

  for (i = 0; i < l->n; i++)
    table_put (l->o, line, (size_t) i,
               column_text (l->columns[i], d, l->attached, l->o->bytes));
}

/* Add the devices named, or all of them.  -1 with a fault. */
static int
list_fill (const struct list *l, const struct server *s, int argc, char **argv)
{
  unsigned i, n = argc ? (unsigned) argc : s->n;

  for (i = 0; i < n; i++) {
    device *d = device_name_nth (s, l->attached, argc, argv, i);

    if (!d)
      return -1;
    list_add (l, d);
  }
  return 0;
}

/* Print nothing if there are no devices, not even headings, as zramctl does;
 * but JSON is always complete.
 */
static int
list_print (const struct list *l, const struct server *s)
{
  if (s->n > 0)
    return table_print (l->tb);
  if (l->o->json)
    puts ("{\n   \"devices\": []\n}");
  return 0;
}

int
command_list (const struct options *o, int argc, char **argv)
{
  FREED_BY (server_free) struct server s = { 0 };
  struct attached *attached;
  struct list l = { .o = o };
  int r;

  l.n = columns_choose (o->output_all ? NULL
                        : o->output ? o->output : columns_default, l.columns);
  if (l.n < 0)
    return usage ("%s", fault_text ());
  if (server_load (o->uri, &s) < 0)
    return failed ();
  l.attached = attached = attached_load (o->uri);
  r = list_begin (&l);
  if (r == 0)
    r = list_fill (&l, &s, argc, argv);
  if (r == 0)
    r = list_print (&l, &s);
  scols_unref_table (l.tb);
  attached_free (attached);
  return r < 0 ? failed () : EXIT_OK;
}
