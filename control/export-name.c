/* nbdkit-zram: names of exports.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stddef.h>
#include <string.h>

#include "devices.h"
#include "export-name.h"
#include "number.h"

#define BLOCK_STATE "block_state"

/* Those that are not of one device. */
static const struct {
  const char *name;
  enum export_type type;
} common[] = {
  { "stats.json", EXPORT_JSON },
  { "metrics", EXPORT_METRICS },
  { "control", EXPORT_CONTROL },
};

/* A number without leading zeroes, so that a thing has one name. */
static bool
parse_start (const char *text, uint64_t *n)
{
  return !(*text == '0' && text[1]) && strlen (text) <= 15 &&
         number_count (text, 0, n) == 0;
}

static bool
parse_attr (const char *text, struct export_name *name)
{
  const size_t len = strlen (BLOCK_STATE);

  if (strncmp (text, BLOCK_STATE "/", len + 1) == 0) {
    if (!parse_start (text + len + 1, &name->from))
      return false;
    text = BLOCK_STATE;
  }
  name->type = EXPORT_ATTR;
  name->attr = attr_find (text);
  return name->attr && name->attr->mode & ATTR_READ;
}

bool
export_name_parse (const char *text, struct export_name *name)
{
  size_t len = strcspn (text, "/"), i;
  int number = device_number (text, len);

  *name = (struct export_name) { .type = EXPORT_DISK };
  if (number >= 0) {
    name->device = (unsigned) number;
    return !text[len] || parse_attr (text + len + 1, name);
  }
  for (i = 0; i < sizeof common / sizeof common[0]; i++)
    if (strcmp (common[i].name, text) == 0) {
      name->type = common[i].type;
      return true;
    }
  return false;
}
