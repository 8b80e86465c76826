/* nbdzramctl: the commands add, remove, reset and compact.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "device-name.h"
#include "interrupt.h"
#include "message.h"
#include "must.h"
#include "number.h"
#include "timeout.h"

/* Names of devices, as the server has them. */
struct devices {
  char **names;
  int n;
};

static void
devices_free (struct devices *all)
{
  while (all->n)
    free (all->names[--all->n]);
  free (all->names);
}

/* A server goes on counting a client for a moment after it has disconnected.
 */
#define GOODBYE_MS 1000

static bool
devices_have (const struct devices *all, const char *name)
{
  int i;

  for (i = 0; i < all->n; i++)
    if (strcmp (all->names[i], name) == 0)
      return true;
  return false;
}

/* Add the name of a device.  1 with a fault: it is in use, but must be idle.
 * -1 with a fault: it was added before.
 */
static int
devices_add (struct devices *all, device *d, const char *given, bool idle)
{
  uint64_t clients = device_count (d, "connections");
  char *name = device_text (d, "name");
  bool twice = devices_have (all, name);

  all->names[all->n++] = name;
  if (twice)
    return fault ("%s is named twice", given);
  if (!idle || !clients)
    return 0;
  fault ("%s is in use: %" PRIu64 " client%s connected, so none of the"
         " devices is touched", name, clients, clients == 1 ? " is" : "s are");
  return 1;
}

/* Look the devices up.  1 with a fault: one is in use. */
static int
devices_look_up (const struct options *o, char **argv, int argc, bool idle,
                 struct devices *all)
{
  FREED_BY (server_free) struct server s;
  struct attached *attached;
  int i, r = 0;

  if (server_load (o->uri, &s) < 0)
    return -1;
  attached = attached_load (o->uri);
  for (i = 0; i < argc && r == 0; i++) {
    device *d = device_name_find (&s, attached, argv[i]);

    r = d ? devices_add (all, d, argv[i], idle) : -1;
  }
  attached_free (attached);
  return r;
}

/* Look all devices up before anything is done to one.  If idle, none may be in
 * use.  -1 with a fault.
 */
static int
devices_find (const struct options *o, int argc, char **argv, bool idle,
              struct devices *all)
{
  uint64_t until = clock_ms () + GOODBYE_MS;
  int r;

  for (;;) {
    all->names = must_alloc ((size_t) argc, sizeof *all->names);
    all->n = 0;
    r = devices_look_up (o, argv, argc, idle, all);
    if (r == 0)
      return 0;
    devices_free (all);
    if (r < 0 || clock_ms () >= until || interrupt_pause (50) < 0)
      return -1;
  }
}

/* Make the fault name the tool's option, in place of the server's command. */
static void
order_fault (void)
{
  static const char theirs[] = "reset force does it nevertheless";
  const char *text = fault_text (), *at = strstr (text, theirs);

  if (at)
    fault ("%.*s--force does it nevertheless%s", (int) (at - text), text,
           at + sizeof theirs - 1);
}

/* Add to the fault which devices were done before it. */
static void
order_fault_done (const struct devices *all, int done)
{
  if (done == 1)
    fault ("%s; %s is done already", fault_text (), all->names[0]);
  else if (done > 1)
    fault ("%s; %s to %s are done already", fault_text (), all->names[0],
           all->names[done - 1]);
}

/* What the server is told for each of several devices. */
struct order {
  const char *before, *after;
  bool number;                  /* it wants 3 for zram3 */
  bool idle;                    /* no client may use it */
};

static int
order_one (const struct options *o, const struct order *order,
           const char *name)
{
  size_t skip = order->number && strncmp (name, "zram", 4) == 0 ? 4 : 0;
  FREED char *command = must_printf ("%s%s%s", order->before, name + skip,
                                     order->after);
  FREED char *payload = NULL;

  return client_command (o->uri, command, &payload);
}

static int
order_each (const struct options *o, int argc, char **argv,
            const struct order *order)
{
  struct devices all;
  int i, r = 0;

  /* If there is only one, the server itself checks that it is not in use. */
  if (devices_find (o, argc, argv, order->idle && argc > 1, &all) < 0)
    return failed ();
  for (i = 0; i < all.n && r == 0; i++)
    r = order_one (o, order, all.names[i]);
  if (r < 0) {
    order_fault ();
    order_fault_done (&all, i - 1);
  }
  devices_free (&all);
  return r < 0 ? failed () : EXIT_OK;
}

int
command_reset (const struct options *o, int argc, char **argv)
{
  static const struct order force = { .after = " reset force",
                                      .before = "" };
  static const struct order unused = { .after = " reset 1", .before = "",
                                       .idle = true };

  return order_each (o, argc, argv, o->force ? &force : &unused);
}

int
command_compact (const struct options *o, int argc, char **argv)
{
  static const struct order compact = { .after = " compact 1",
                                        .before = "" };

  return order_each (o, argc, argv, &compact);
}

int
command_remove (const struct options *o, int argc, char **argv)
{
  static const struct order gone = { .before = "hot_remove ", .after = "",
                                     .number = true, .idle = true };

  return order_each (o, argc, argv, &gone);
}

/* Print the name of a device.  The answer of hot_add is its number. */
static int
device_print_new (char *payload)
{
  uint64_t n;

  payload[strcspn (payload, " \n")] = '\0';
  if (number_count (payload, 0, &n) < 0)
    return fault ("the server's answer is not understood");
  printf ("zram%s\n", payload);
  return 0;
}

int
command_add (const struct options *o, int argc, char **argv)
{
  FREED char *words = client_join (argc, argv);
  FREED char *command = must_printf ("hot_add %s", words);
  FREED char *payload = NULL;
  int r = client_command (o->uri, command, &payload);

  if (r == 0)
    r = device_print_new (payload);
  return r < 0 ? failed () : EXIT_OK;
}
