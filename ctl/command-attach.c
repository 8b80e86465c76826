/* nbdzramctl: the commands attach and detach.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "attach.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"
#include "must.h"

static int
attach_device (const struct options *o, const char *given)
{
  struct attachment a;
  struct export e;
  int r;

  if (attach_begin (o) < 0)
    return -1;
  if (attach_plan (o, given, false, &a, &e) < 0)
    return -1;
  r = nbd_attach (&a);
  if (r == 0 && !o->dry_run)
    puts (a.path);
  address_free (&a.address);
  return r;
}

int
command_attach (const struct options *o, int argc, char **argv)
{
  int r;

  if (attach_check (o) < 0)
    return usage ("%s", fault_text ());
  r = attach_device (o, argc ? argv[0] : NULL) < 0 ? failed () : EXIT_OK;
  interrupt_end ();
  return r;
}

static int
detach_devices (const struct options *o, int argc, char **argv)
{
  struct attached *list;
  const char **names = must_alloc ((size_t) argc, sizeof *names);
  int i, r = attach_begin (o);

  list = r == 0 ? attached_load (o->uri) : NULL;
  if (r == 0)
    r = attached_names (list, argc, argv, names);
  for (i = 0; i < argc && r == 0; i++)
    if (machine_swap (machine_root (), names[i], NULL))
      r = fault ("/dev/%s is swap: say " PROGRAM " swapoff %s", names[i],
                 names[i]);
  for (i = 0; i < argc && r == 0; i++)
    r = nbd_detach (names[i], o->dry_run);
  attached_free (list);
  free (names);
  return r;
}

int
command_detach (const struct options *o, int argc, char **argv)
{
  int r = detach_devices (o, argc, argv) < 0 ? failed () : EXIT_OK;

  interrupt_end ();
  return r;
}
