/* nbdkit-zram: names of exports.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stddef.h>
#include <string.h>

#include "devices.h"
#include "export-name.h"
#include "number.h"

/* Read a number without leading zeroes, so that each thing has one name. */
static bool
export_name_start (const char *text, uint64_t *n)
{
  return !(*text == '0' && text[1]) && strlen (text) <= 15 &&
         number_count (text, 0, n) == 0;
}

/* Read ATTRIBUTE, or ATTRIBUTE/START of a listing. */
static bool
export_name_attr (const char *text, struct export_name *name)
{
  size_t len = strcspn (text, "/");
  const struct attr *a = attr_find_n (text, len);

  if (!a || !(a->mode & ATTR_READ) ||
      (text[len] && !(a->list && export_name_start (text + len + 1,
                                                    &name->from))))
    return false;
  name->type = EXPORT_ATTR;
  name->attr = a;
  return true;
}

bool
export_name_parse (const char *text, struct export_name *name)
{
  size_t len = strcspn (text, "/");
  int number = device_number (text, len);

  *name = (struct export_name) { .type = EXPORT_DISK };
  if (number >= 0) {
    name->device = (unsigned) number;
    return !text[len] || export_name_attr (text + len + 1, name);
  }
  name->report = report_find (text);
  name->type = name->report ? EXPORT_REPORT : EXPORT_CONTROL;
  return name->report || strcmp (text, "control") == 0;
}
