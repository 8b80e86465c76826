/* nbdzramctl: what attach, swapon and mount share, and what takes it
 * back.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

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

  if (o->connections && (number_count (o->connections, 0, &n) < 0 || n == 0 ||
                         n > CONNECTIONS_MAX))
    return fault ("--connections %s: must be a number from 1 to %d",
                  o->connections, CONNECTIONS_MAX);
  if (o->nbd_timeout && (number_count (o->nbd_timeout, 0, &n) < 0 ||
                         n > NBD_TIMEOUT_MAX))
    return fault ("--nbd-timeout %s: must be seconds up to %d, or 0 for none",
                  o->nbd_timeout, NBD_TIMEOUT_MAX);
  if (o->device && !nbd_name (o->device))
    return fault ("--device %s: must be like /dev/nbd3", o->device);
  return 0;
}

int
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

int
attach_plan (const struct options *o, const char *given, bool swap,
             struct attachment *a, struct export *e)
{
  char *name = NULL;
  int r;

  memset (a, 0, sizeof *a);
  a->uri = o->uri;
  a->device = o->device ? nbd_name (o->device) : NULL;
  a->swap = swap;
  a->dry = o->dry_run;
  if (attach_check_named (o) < 0 ||
      address_of_server (o->uri, &a->address) < 0)
    return -1;
  a->connections = 1;
  a->local = attach_is_local (&a->address);
  a->timeout = a->local ? 0 : REMOTE_TIMEOUT;
  if (o->connections)
    number_count (o->connections, 0, &a->connections);
  if (o->nbd_timeout)
    number_count (o->nbd_timeout, 0, &a->timeout);
  if (given)
    name = device_name_of (NULL, given);
  else
    name = must_copy (*a->address.export ? a->address.export : "zram0");
  r = name ? client_look (o->uri, name, e) : -1;
  if (r == 0 && a->connections > 1 && !e->multi_conn)
    r = fault ("%s: the server allows it one connection only", name);
  if (r == 0) {
    free (a->address.export);
    a->address.export = name;
    a->block_size = e->size % 4096 ? 512 : 4096;
  }
  else {
    free (name);
    address_free (&a->address);
  }
  return r;
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
  char *mountpoint = machine_mountpoint (root, name);
  int r = 0;

  if (mountpoint)
    r = fault ("/dev/%s is mounted: umount %s first", name, mountpoint);
  else if (machine_holder (root, name))
    r = fault ("/dev/%s is part of another device, see"
               " /sys/block/%s/holders", name, name);
  free (mountpoint);
  return r;
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
  struct program p = { .argc = 0 };

  program_add (&p, "blkdiscard",
               program_keep (&p, must_printf ("/dev/%s", name)), NULL);
  if (program_run (&p) < 0 && !interrupt_came ())
    complain ("%s; the server keeps what was on it", fault_text ());
  program_free (&p);
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
