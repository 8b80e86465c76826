/* nbdzramctl: what attach, swapon and mount share, and what takes it
 * back.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "device-name.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"
#include "must.h"
#include "number.h"
#include "option.h"
#include "resolve.h"
#include "timeout.h"

/* How long a server on another machine may be silent before requests fail.
 * One on this machine cannot vanish unnoticed: it is only slow.
 */
#define REMOTE_TIMEOUT 30
/* More connections are of no use to nbdkit's threads. */
#define CONNECTIONS_MAX 64
#define NBD_TIMEOUT_MAX 86400

int
attach_check (const struct options *o)
{
  uint64_t n;

  if (option_check_number ("--connections", o->connections, 1,
                           CONNECTIONS_MAX) < 0)
    return -1;
  if (o->nbd_timeout && (number_count (o->nbd_timeout, 0, &n) < 0 ||
                         n > NBD_TIMEOUT_MAX))
    return fault ("--nbd-timeout %s: must be seconds up to %d, or 0 for none",
                  o->nbd_timeout, NBD_TIMEOUT_MAX);
  if (o->device && !nbd_name (o->device))
    return fault ("--device %s: must be like /dev/nbd3", o->device);
  return 0;
}

/* Check that this is root, and call interrupt_begin.  -1 with a fault.
 * interrupt_end must be called in any case.
 */
static int
attach_begin (const struct options *o)
{
  program_dry_run (o->dry_run);
  interrupt_begin ();
  if (!o->dry_run && !*machine_root () && geteuid () != 0)
    return fault ("only root can attach and detach devices");
  return 0;
}

/* Say whether a server is on this machine, by any of its addresses.  If that
 * cannot be told it counts as local, for which the checks are stricter.
 */
static bool
attach_is_local (const struct address *p)
{
  struct endpoints a;

  return p->socket ||
         resolve (p->host, p->port, timeout_deadline (), &a) < 0 ||
         resolve_is_local (&a);
}

/* Refuse to fall back on a TCP port that any user can listen at. */
static int
attach_check_named (const struct options *o)
{
  if (o->uri_given || strcmp (o->uri, ADDRESS_LAST) != 0)
    return 0;
  return fault ("there is no server at " ADDRESS_SOCKET "; name one with -u"
                " URI or NBDZRAM_URI, for example -u " ADDRESS_LAST);
}

static void
attach_take_options (const struct options *o, struct attachment *a)
{
  a->connections = 1;
  a->local = attach_is_local (&a->address);
  a->timeout = a->local ? 0 : REMOTE_TIMEOUT;
  if (o->connections)
    number_count (o->connections, 0, &a->connections);
  if (o->nbd_timeout)
    number_count (o->nbd_timeout, 0, &a->timeout);
}

/* Put the name of the device into the address, in place of what is there. */
static int
attach_take_name (const char *given, struct address *p)
{
  char *name = given ? device_name_of (NULL, given)
    : must_copy (*p->export ? p->export : "zram0");

  free (p->export);
  p->export = name;
  return name ? 0 : -1;
}

/* Ask the server about the device. */
static int
attach_look (struct attachment *a, struct export *e)
{
  const char *name = a->address.export;

  if (client_look (a->uri, name, e) < 0)
    return -1;
  a->block_size = e->size % 4096 ? 512 : 4096;
  return a->connections == 1 || e->multi_conn ? 0
    : fault ("%s: the server allows it one connection only", name);
}

int
attach_plan (const struct options *o, const char *given,
             struct attachment *a, struct export *e)
{
  *a = (struct attachment) {
    .uri = o->uri, .device = o->device ? nbd_name (o->device) : NULL,
    .dry = o->dry_run,
  };
  if (attach_check_named (o) < 0 ||
      address_of_server (o->uri, &a->address) < 0)
    return -1;
  attach_take_options (o, a);
  if (attach_take_name (given, &a->address) == 0 && attach_look (a, e) == 0)
    return 0;
  address_free (&a->address);
  return -1;
}

int
attach_run (const struct options *o, const char *given, attach_plan_fn *plan,
            attach_fn *fn)
{
  struct attachment a;
  struct export e;
  int r = attach_begin (o);

  if (r == 0)
    r = plan (o, given, &a, &e);
  if (r == 0) {
    r = fn (o, &a, &e);
    if (r == 0 && !o->dry_run)
      puts (a.path);
    address_free (&a.address);
  }
  r = r < 0 ? failed () : EXIT_OK;
  interrupt_end ();
  return r;
}

int
attach_check_writable (const struct attachment *a, const struct export *e)
{
  return !e->read_only ? 0
    : fault ("%s: the server lets nobody write", a->address.export);
}

/* --- Detaching ---------------------------------------------------------- */

const char *
attached_name (const struct attached *list, const char *given)
{
  const struct attached *a;
  const char *name = nbd_name (given);

  if (name) {
    if (nbd_attached (name))
      return name;
    fault ("%s: nothing is attached there", given);
    return NULL;
  }
  name = strncmp (given, "/dev/", 5) == 0 ? given + 5 : given;
  a = attached_by_export (list, name);
  if (a)
    return a->device;
  fault ("%s: not known to be attached to this machine; say /dev/nbdN",
         given);
  return NULL;
}

int
attach_unmounted (const char *name)
{
  const char *root = machine_root ();
  FREED char *mountpoint = machine_mountpoint (root, name);

  if (mountpoint)
    return fault ("/dev/%s is mounted: umount %s first", name, mountpoint);
  if (machine_holder (root, name))
    return fault ("/dev/%s is part of another device, see"
                  " /sys/block/%s/holders", name, name);
  return 0;
}

int
attach_no_swap (const char *name)
{
  return !machine_swap (machine_root (), name, NULL) ? 0
    : fault ("/dev/%s is swap: say " PROGRAM " swapoff %s", name, name);
}

int
attached_names (const struct attached *list, int argc, char **argv,
                const char **names)
{
  int i, j;

  for (i = 0; i < argc; i++) {
    names[i] = attached_name (list, argv[i]);
    if (!names[i] || attach_unmounted (names[i]) < 0)
      return -1;
    for (j = 0; j < i; j++)
      if (strcmp (names[i], names[j]) == 0)
        return fault ("%s and %s are the same device", argv[j], argv[i]);
  }
  return 0;
}

/* What is on the device is of no use now, but the server still holds it.
 * Servers that are not ours may be unable to trim.
 */
void
attach_forget (const char *name)
{
  FREED_BY (program_free) struct program p = { .argc = 0 };

  program_add (&p, "blkdiscard", NULL);
  program_printf (&p, "/dev/%s", name);
  if (program_run (&p) < 0 && !interrupt_came ())
    complain ("%s; the server keeps what was on it", fault_text ());
}

int
attach_undo (const struct options *o, int argc, char **argv,
             attach_find_fn *find, attach_undo_fn *undo)
{
  const char **names = must_alloc ((size_t) argc, sizeof *names);
  struct attached *list = NULL;
  int i, r = attach_begin (o);

  if (r == 0) {
    list = attached_load (o->uri);
    r = find (list, argc, argv, names);
  }
  for (i = 0; i < argc && r == 0; i++)
    r = undo (o, names[i]);
  attached_free (list);
  free (names);
  r = r < 0 ? failed () : EXIT_OK;
  interrupt_end ();
  return r;
}
