/* nbdzramctl: the names that people give to devices.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "device-name.h"
#include "message.h"
#include "must.h"

char *
device_name_of (const struct attached *attached, const char *name)
{
  const char *given = name;
  const struct attached *a;

  if (strncmp (name, "/dev/", 5) == 0)
    name += 5;
  if (strncmp (name, "nbd", 3) == 0) {
    a = attached_by_device (attached, name);
    if (!a) {
      fault ("%s: not known to be a device of this server; say zramN",
             given);
      return NULL;
    }
    name = a->export;
  }
  /* A name becomes a word of a command and part of an export's name. */
  if (!*name || name[strcspn (name, "/ \t\n\r")]) {
    fault ("%s: this is no device; they are called zram0, zram1, ...",
           given);
    return NULL;
  }
  return must_copy (name);
}

char *
device_name_resolve (const char *uri, const char *name)
{
  struct attached *attached = attached_load (uri);
  char *real = device_name_of (attached, name);

  attached_free (attached);
  return real;
}

device *
device_name_find (const struct server *s, const struct attached *attached,
                  const char *name)
{
  FREED char *real = device_name_of (attached, name);
  device *d = real ? server_find (s, real) : NULL;

  if (real && !d)
    fault ("%s: there is no such device", name);
  return d;
}

device *
device_name_nth (const struct server *s, const struct attached *attached,
                 int argc, char **argv, unsigned i)
{
  return argc ? device_name_find (s, attached, argv[i])
              : server_device (s, i);
}
