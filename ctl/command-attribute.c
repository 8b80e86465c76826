/* nbdzramctl: the commands get and set, and prometheus.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * They pass words on: it is the server that knows which attributes and
 * values there are, and says what is wrong with them.
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "commands.h"
#include "device-name.h"
#include "message.h"
#include "must.h"

/* Run "DEVICE WORDS", and ignore the payload. */
static int
attribute_set (const struct options *o, const char *device_name,
               const char *words)
{
  char *disk = device_name_resolve (o->uri, device_name), *command, *payload;
  int r;

  if (!disk)
    return -1;
  command = must_printf ("%s %s", disk, words);
  r = client_command (o->uri, command, &payload);
  free (payload);
  free (command);
  free (disk);
  return r;
}

/* Say whether the attribute or the device is missing. */
static int
attribute_fault (const struct options *o, const char *disk,
                 const char *attribute)
{
  struct server s;
  bool exists;

  if (server_load (o->uri, &s) < 0)
    return -1;
  exists = server_find (&s, disk);
  server_free (&s);
  return exists
    ? fault ("%s has no attribute %s that can be read; " PROGRAM " get %s"
             " lists those that can", disk, attribute, disk)
    : fault ("%s: there is no such device", disk);
}

/* Read the attribute's own export, which needs no right to write. */
int
command_get (const struct options *o, int argc, char **argv)
{
  char *disk = device_name_resolve (o->uri, argv[0]), *export;
  int r;

  if (!disk)
    return failed ();
  export = must_printf ("%s/%s", disk, argc > 1 ? argv[1] : "");
  if (argc > 1) {
    r = client_copy (o->uri, export, stdout);
    if (r > 0)
      r = attribute_fault (o, disk, argv[1]);
  }
  else {
    r = client_list (o->uri, export, stdout);
    if (r == 0)
      r = fault ("%s: there is no such device, or it shows no attributes",
                 argv[0]);
  }
  free (export);
  free (disk);
  return r < 0 ? failed () : EXIT_OK;
}

int
command_set (const struct options *o, int argc, char **argv)
{
  char *words = client_join (argc - 1, argv + 1);
  int r = attribute_set (o, argv[0], words);

  free (words);
  return r < 0 ? failed () : EXIT_OK;
}

int
command_prometheus (const struct options *o, int argc, char **argv)
{
  (void) argc;
  (void) argv;
  return client_copy (o->uri, "metrics", stdout) ? failed () : EXIT_OK;
}
