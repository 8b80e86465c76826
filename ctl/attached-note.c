/* nbdzramctl: notes of what the tool has attached, in /run/nbdzramctl.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attached-note.h"
#include "machine.h"
#include "message.h"
#include "must.h"

#define ATTACHED_NOTES "/run/nbdzramctl"

static char *
attached_note_path (const char *name)
{
  return must_printf ("%s" ATTACHED_NOTES "/%s", machine_root (), name);
}

/* Write a file, whole or not at all.  False: see errno. */
static bool
attached_note_put (const char *path, const char *text)
{
  FREED char *new = must_printf ("%s.new", path);
  FILE *fp = fopen (new, "we");
  bool done = fp && fputs (text, fp) >= 0;

  return fp && fclose (fp) == 0 && done && rename (new, path) == 0;
}

void
attached_note_write (const char *device, const char *server,
                     const char *export)
{
  FREED char *pid = machine_sys (machine_root (), device, "pid");
  FREED char *dir = must_printf ("%s" ATTACHED_NOTES, machine_root ());
  FREED char *path = attached_note_path (device);
  FREED char *text = must_printf ("%s\n%s\n%s\n", pid ? pid : "", server,
                                  export);

  mkdir (dir, 0755);
  if (!attached_note_put (path, text))
    complain ("%s: %s; later it will not be known what /dev/%s is", path,
              strerror (errno), device);
}

void
attached_note_remove (const char *name)
{
  FREED char *path = attached_note_path (name);

  unlink (path);
}

int
attached_note_read (const char *root, const char *device, struct address *p)
{
  FREED char *text = machine_text ("%s" ATTACHED_NOTES "/%s", root, device);
  FREED char *now = machine_sys (root, device, "pid");
  char *rest = text, *pid = strsep (&rest, "\n");
  char *server = strsep (&rest, "\n"), *export = strsep (&rest, "\n");

  if (!export || !*export || !now || strcmp (pid, now) != 0 ||
      address_of_uri (server, p) < 0)
    return -1;
  free (p->export);
  p->export = must_copy (export);
  return 0;
}
