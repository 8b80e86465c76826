/* nbdzramctl: become the server that a file describes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit takes the place of the tool, in the same process: it is this that
 * systemd gives its sockets to and looks after.
 */

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config-file.h"
#include "names.h"
#include "run.h"
#include "sizes.h"

#define THREADS_MAX 64

/* The plugin that was installed with the tool, wherever that was; or where
 * nbdkit itself looks.
 */
static const char *
plugin (void)
{
  return access (PLUGIN_PATH, R_OK) == 0 ? PLUGIN_PATH : "zram";
}

/* Sockets come from systemd, or it is a Unix socket that is named: never a
 * port that is open to the network because nothing was said.
 */
static int
add_socket (struct program *p, const char *uri, struct place *place)
{
  if (getenv ("LISTEN_FDS"))
    return 0;
  if (place_of_uri (uri, place) < 0 || !place->socket)
    return fault ("%s: serve needs -u and the path of a socket, or systemd's"
                  " sockets", uri);
  program_add (p, "-U", place->socket, NULL);
  return 0;
}

static int
make_server (struct program *p, const struct config *c, const char *uri,
             struct place *place)
{
  const char *threads = config_threads (c), *word;
  uint64_t n;
  size_t i;

  if (threads && (number_parse (threads, &n) < 0 || n == 0 ||
                  n > THREADS_MAX))
    return fault ("threads = %s: must be a number from 1 to %d", threads,
                  THREADS_MAX);
  program_add (p, "nbdkit", "-f", NULL);
  if (add_socket (p, uri, place) < 0)
    return -1;
  if (threads)
    program_add (p, "-t", threads, NULL);
  program_add (p, plugin (), NULL);
  for (i = 0; (word = config_parameter (c, i)); i++) {
    if (p->argc == ARGV_MAX)
      return fault ("there are too many settings");
    program_add (p, word, NULL);
  }
  return 0;
}

int
command_serve (const struct options *o, int argc, char **argv)
{
  struct program p = { .argc = 0 };
  struct place place = { 0 };
  struct config c;
  int r;

  (void) argc;
  (void) argv;
  if (!o->config)
    return usage ("serve needs --config FILE");
  if (config_read (o->config, &c) < 0)
    return failed ();
  r = make_server (&p, &c, o->uri, &place);
  if (r == 0 && o->dry_run)
    program_print (&p);
  else if (r == 0) {
    execvp (p.argv[0], (char *const *) p.argv);
    r = fault ("%s: %s", p.argv[0], strerror (errno));
  }
  place_free (&place);
  config_free (&c);
  return r < 0 ? failed () : EXIT_OK;
}
