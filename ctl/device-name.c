/* nbdzramctl: the names that people give to devices.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "device-name.h"
#include "message.h"
#include "must.h"

/* Tests make another machine up. */
const char *
machine_root (void)
{
  const char *root = getenv ("NBDZRAM_ROOT");

  return root ? root : "";
}

/* A path may be relative, but not what is compared and noted. */
int
address_of_server (const char *uri, struct address *p)
{
  char *path = strstr (uri, "://") ? NULL : realpath (uri, NULL);
  int r = address_of_uri (path ? path : uri, p);

  free (path);
  if (r < 0)
    return fault ("%s: neither an NBD URI nor the path of a socket", uri);
  path = p->socket ? realpath (p->socket, NULL) : NULL;
  if (path) {
    free (p->socket);
    p->socket = path;
  }
  return 0;
}

struct attached *
attached_load (const char *uri)
{
  struct attached *list;
  struct address p;

  if (address_of_server (uri, &p) < 0)
    return NULL;
  list = attached_list (machine_root (), &p);
  address_free (&p);
  return list;
}

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
  char *real = device_name_of (attached, name);
  device *d = real ? server_find (s, real) : NULL;

  if (real && !d)
    fault ("%s: there is no such device", name);
  free (real);
  return d;
}
