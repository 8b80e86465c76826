/* nbdzramctl: the commands attach and detach.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "attach.h"
#include "message.h"

static int
attach_one (const struct options *o, struct attachment *a,
            const struct export *e)
{
  (void) o;
  (void) e;
  return nbd_attach (a);
}

int
command_attach (const struct options *o, int argc, char **argv)
{
  if (attach_check (o) < 0)
    return usage ("%s", fault_text ());
  return attach_run (o, argc ? argv[0] : NULL, attach_plan, attach_one);
}

/* Find all devices that are named; none may be mounted or swap. */
static int
detach_find (const struct attached *list, int argc, char **argv,
             const char **names)
{
  int i, r = attached_names (list, argc, argv, names);

  for (i = 0; i < argc && r == 0; i++)
    r = attach_no_swap (names[i]);
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
