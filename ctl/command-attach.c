/* nbdzramctl: the commands attach and detach.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>

#include "attach.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"

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

/* Find all devices that are named; none may be mounted or swap. */
static int
detach_find (const struct attached *list, int argc, char **argv,
             const char **names)
{
  int i, r = attached_names (list, argc, argv, names);

  for (i = 0; i < argc && r == 0; i++)
    if (machine_swap (machine_root (), names[i], NULL))
      r = fault ("/dev/%s is swap: say " PROGRAM " swapoff %s", names[i],
                 names[i]);
  return r;
}

static int
detach_one (const struct options *o, const char *name)
{
  return nbd_detach (name, o->dry_run);
}

int
command_detach (const struct options *o, int argc, char **argv)
{
  return attach_undo (o, argc, argv, detach_find, detach_one);
}
