/* nbdzramctl: become the server that a file describes, or try it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit takes the address of the tool, in the same process: it is this that
 * systemd gives its sockets to and looks after.
 */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "config-file.h"
#include "escape.h"
#include "interrupt.h"
#include "message.h"
#include "must.h"
#include "option.h"
#include "subprocess.h"

#define THREADS_MAX 64

/* How many clients there may be at once.  nbdkit may start 16 threads for
 * each, and all must fit in the unit's TasksMax.  A device can have fewer
 * connections.
 */
#define CLIENTS "128"
#define CLIENTS_MAX 4096

/* Find the plugin that was installed with the tool, else let nbdkit look for
 * it.
 */
static const char *
serve_plugin (void)
{
  return access (PLUGIN_PATH, R_OK) == 0 ? PLUGIN_PATH : "zram";
}

/* Tell nbdkit where to listen: at systemd's sockets, or at the Unix socket
 * that is named.  There is no default, so that no port is opened to the
 * network by mistake.  A dry run without a socket prints what systemd would
 * run.
 */
static int
serve_socket (struct program *p, const struct options *o)
{
  FREED_BY (address_free) struct address a = { 0 };

  if (getenv ("LISTEN_FDS") || (o->dry_run && !o->uri_given))
    return 0;
  if (*o->uri && !strstr (o->uri, "://"))
    program_add (p, "-U", o->uri, NULL);
  else if (address_of_uri (o->uri, &a) == 0 && a.socket)
    program_add (p, "-U", program_keep (p, must_copy (a.socket)), NULL);
  else
    return fault ("%s: serve needs -u and the path of a socket, or systemd's"
                  " sockets", o->uri);
  return 0;
}

static int
serve_check_numbers (const struct options *o)
{
  if (option_check_number ("threads", o->threads, 1, THREADS_MAX) < 0)
    return -1;
  return option_check_number ("max-clients", o->max_clients, 0, CLIENTS_MAX);
}

static void
serve_threads (struct program *p, const struct config *c)
{
  const char *threads = config_serve (c, "threads");

  if (threads)
    program_add (p, "-t", threads, NULL);
}

/* Return how many clients there may be at once.  NULL: any number; then the
 * filter is not needed.
 */
static const char *
serve_clients (const struct config *c)
{
  const char *n = config_serve (c, "max-clients");

  if (!n)
    return CLIENTS;
  return strspn (n, "0") == strlen (n) ? NULL : n;
}

/* Say whether a parameter is one of those without which the plugin does not
 * look at the rest.
 */
static bool
serve_is_frame (const char *word)
{
  return strncmp (word, "size=", 5) == 0 || strncmp (word, "device=", 7) == 0;
}

/* Which parameters to use: the first `all' ones, and of the first `frame' ones
 * also the sizes and devices.  They stay in their order.
 */
struct part {
  size_t all, frame;
};
static const struct part whole = { SIZE_MAX, SIZE_MAX };

/* Add the filter, the plugin and a part of the parameters. */
static int
serve_add_plugin (struct program *p, const struct config *c, struct part part)
{
  const char *limit = serve_clients (c), *word;
  size_t i;

  if (limit)
    program_add (p, "--filter=limit", NULL);
  program_add (p, serve_plugin (), NULL);
  for (i = 0; (word = config_parameter (c, i)); i++) {
    if (i >= part.all && !(i < part.frame && serve_is_frame (word)))
      continue;
    /* Leave room for limit=. */
    if (p->argc == ARGV_MAX - 1)
      return fault ("there are too many settings");
    program_add (p, word, NULL);
  }
  if (limit)
    program_add (p, program_keep (p, must_printf ("limit=%s", limit)), NULL);
  return 0;
}

/* --- Trying it ----------------------------------------------------------- */

/* Start the server and end it at once, with a part of the parameters.  -1 with
 * a fault if it does not start.
 */
static int
serve_try (const struct config *c, struct part part)
{
  static const char begins[] = "nbdkit failed: error: ";
  FREED_BY (program_free) struct program p = { .argc = 0 };
  int r;

  program_add (&p, "nbdkit", "-f", "-U", "-", "--run", "true", NULL);
  serve_threads (&p, c);
  r = serve_add_plugin (&p, c, part);
  if (r == 0)
    r = program_run (&p);
  if (r < 0 && strncmp (fault_text (), begins, sizeof begins - 1) == 0)
    fault ("%s", fault_text () + sizeof begins - 1);
  return r;
}

static bool
serve_says_same (const struct config *c, size_t all, size_t frame,
                 const char *why)
{
  const struct part part = { all, frame };

  return serve_try (c, part) < 0 && strcmp (fault_text (), why) == 0;
}

static size_t
serve_count (const struct config *c)
{
  size_t n = 0;

  while (config_parameter (c, n))
    n++;
  return n;
}

/* Find the parameter that is wrong: the plugin does not know lines, but with
 * all parameters up to the wrong one it prints the same error as with all of
 * them.  Sizes and devices are tried alone first, then the rest with all of
 * these.  -1: it is none, for the size is missing.
 */
static int
serve_find_wrong (const struct config *c, const char *why)
{
  bool of_frame = serve_says_same (c, 0, SIZE_MAX, why);
  size_t right = 0, wrong = serve_count (c);

  if (of_frame && serve_says_same (c, 0, 0, why))
    return -1;
  while (wrong - right > 1) {
    size_t n = right + (wrong - right) / 2;

    if (of_frame ? serve_says_same (c, 0, n, why)
        : serve_says_same (c, n, SIZE_MAX, why))
      wrong = n;
    else
      right = n;
  }
  return (int) wrong - 1;
}

static int
serve_blame (const struct config *c)
{
  FREED char *why = must_copy (fault_text ());
  int i = serve_find_wrong (c, why);

  fault ("%s", why);
  return i >= 0 ? config_blame (c, (size_t) i)
                : fault ("%s: %s", c->path, why);
}

static void
serve_say_ok (const char *path)
{
  FREED char *safe = text_escape (path);

  printf ("%s: OK\n", safe);
}

static int
serve_check (const struct config *c)
{
  int r;

  if (config_check (c, command_swapon_check) < 0 ||
      config_check (c, command_mount_check) < 0)
    return -1;
  interrupt_begin ();
  r = serve_try (c, whole);
  if (r < 0 && !interrupt_came ())
    r = serve_blame (c);
  interrupt_end ();
  if (r == 0)
    serve_say_ok (c->path);
  return r;
}

/* --- Being it ------------------------------------------------------------ */

static int
serve_run (const struct options *o, const struct config *c)
{
  FREED_BY (program_free) struct program p = { .argc = 0 };

  program_add (&p, "nbdkit", "-f", NULL);
  if (serve_socket (&p, o) < 0)
    return -1;
  serve_threads (&p, c);
  if (serve_add_plugin (&p, c, whole) < 0)
    return -1;
  if (o->dry_run) {
    program_print (&p);
    return 0;
  }
  execvp (p.argv[0], (char *const *) p.argv);
  return fault ("%s: %s", p.argv[0], strerror (errno));
}

int
command_serve (const struct options *o, int argc, char **argv)
{
  FREED_BY (config_free) struct config c = { 0 };
  int r;

  (void) argc;
  (void) argv;
  if (!o->config)
    return usage ("serve needs --config FILE");
  if (config_read (o->config, &c) < 0)
    return failed ();
  r = config_check (&c, serve_check_numbers);
  if (r == 0)
    r = o->check ? serve_check (&c) : serve_run (o, &c);
  return r < 0 ? failed () : EXIT_OK;
}
