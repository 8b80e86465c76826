/* nbdzramctl: the commands that read or change one thing.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * They pass words on: it is the server that knows which attributes and
 * values there are, and says what is wrong with them.
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ctl.h"
#include "names.h"
#include "sizes.h"

/* Words joined with spaces.  To be freed. */
static char *
join (int argc, char **argv)
{
  char *line = must_copy (argc ? argv[0] : "");
  int i;

  for (i = 1; i < argc; i++) {
    char *longer = must_printf ("%s %s", line, argv[i]);

    free (line);
    line = longer;
  }
  return line;
}

/* Run "DEVICE WORDS", and throw the payload away. */
static int
run (const struct options *o, const char *device_name, const char *words)
{
  char *disk = name_resolve (o->uri, device_name), *command, *payload;
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

/* The same for each device; the first failure ends it. */
static int
run_each (const struct options *o, int argc, char **argv, const char *words)
{
  int i;

  for (i = 0; i < argc; i++)
    if (run (o, argv[i], words) < 0)
      return failed ();
  return EXIT_OK;
}

/* Reads the attribute's own export, which needs no right to write. */
int
command_get (const struct options *o, int argc, char **argv)
{
  char *disk = name_resolve (o->uri, argv[0]), *export;
  int r;

  if (!disk)
    return failed ();
  export = must_printf ("%s/%s", disk, argc > 1 ? argv[1] : "");
  if (argc > 1) {
    r = client_copy (o->uri, export, stdout);
    if (r > 0)
      r = fault ("%s has no attribute %s that can be read; " PROGRAM " get"
                 " %s lists those that can", disk, argv[1], disk);
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
  char *words = join (argc - 1, argv + 1);
  int r = run (o, argv[0], words);

  free (words);
  return r < 0 ? failed () : EXIT_OK;
}

int
command_reset (const struct options *o, int argc, char **argv)
{
  return run_each (o, argc, argv, o->force ? "reset force" : "reset 1");
}

int
command_compact (const struct options *o, int argc, char **argv)
{
  return run_each (o, argc, argv, "compact 1");
}

/* The answer of hot_add is the number of the new device. */
int
command_add (const struct options *o, int argc, char **argv)
{
  char *words = join (argc, argv);
  char *command = must_printf ("hot_add %s", words), *payload;
  uint64_t n;
  int r = client_command (o->uri, command, &payload);

  if (r == 0) {
    payload[strcspn (payload, " \n")] = '\0';
    if (number_parse (payload, &n) < 0)
      r = fault ("the server's answer is not understood");
    else
      printf ("zram%s\n", payload);
  }
  free (payload);
  free (command);
  free (words);
  return r < 0 ? failed () : EXIT_OK;
}

static int
remove_one (const struct options *o, const char *name)
{
  char *disk = name_resolve (o->uri, name), *command, *payload;
  uint64_t n;
  int r;

  if (!disk)
    return -1;
  if (strncmp (disk, "zram", 4) != 0 || number_parse (disk + 4, &n) < 0) {
    r = fault ("%s: this is no device; they are called zram0, zram1, ...",
               name);
  }
  else {
    command = must_printf ("hot_remove %s", disk + 4);
    r = client_command (o->uri, command, &payload);
    free (payload);
    free (command);
  }
  free (disk);
  return r;
}

int
command_remove (const struct options *o, int argc, char **argv)
{
  int i;

  for (i = 0; i < argc; i++)
    if (remove_one (o, argv[i]) < 0)
      return failed ();
  return EXIT_OK;
}

int
command_prometheus (const struct options *o, int argc, char **argv)
{
  (void) argc;
  (void) argv;
  return client_copy (o->uri, "metrics", stdout) ? failed () : EXIT_OK;
}
