/* nbdzramctl: the commands get and set, and prometheus.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * They pass words on: it is the server that knows which attributes and
 * values there are, and says what is wrong with them.
 */

#include <config.h>

#include <stdio.h>

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
  FREED char *disk = device_name_resolve (o->uri, device_name);
  FREED char *command = NULL, *payload = NULL;

  if (!disk)
    return -1;
  command = must_printf ("%s %s", disk, words);
  return client_command (o->uri, command, &payload);
}

/* Explain why an attribute cannot be read: it is missing, or the device is.
 * Return -1.
 */
static int
attribute_fault (const struct options *o, const char *disk,
                 const char *attribute)
{
  FREED_BY (server_free) struct server s;

  return !server_load_device (o->uri, disk, &s) ? -1
    : fault ("%s has no attribute %s that can be read; " PROGRAM " get %s"
             " lists those that can", disk, attribute, disk);
}

/* Read the attribute's own export, which needs no right to write. */
static int
attribute_get (const struct options *o, const char *disk,
               const char *attribute)
{
  FREED char *export = must_printf ("%s/%s", disk, attribute);
  int r = client_copy (o->uri, export, stdout);

  return r > 0 ? attribute_fault (o, disk, attribute) : r;
}

static int
attribute_list (const struct options *o, const char *disk, const char *given)
{
  FREED char *prefix = must_printf ("%s/", disk);
  int n = client_list (o->uri, prefix, stdout);

  return n != 0 ? n
    : fault ("%s: there is no such device, or it shows no attributes", given);
}

int
command_get (const struct options *o, int argc, char **argv)
{
  FREED char *disk = device_name_resolve (o->uri, argv[0]);
  int r = -1;

  if (disk)
    r = argc > 1 ? attribute_get (o, disk, argv[1])
                 : attribute_list (o, disk, argv[0]);
  return r < 0 ? failed () : EXIT_OK;
}

int
command_set (const struct options *o, int argc, char **argv)
{
  FREED char *words = client_join (argc - 1, argv + 1);

  return attribute_set (o, argv[0], words) < 0 ? failed () : EXIT_OK;
}

int
command_prometheus (const struct options *o, int argc, char **argv)
{
  (void) argc;
  (void) argv;
  return client_copy (o->uri, "metrics", stdout) ? failed () : EXIT_OK;
}
