/* nbdzramctl: notes of what the tool has attached, in /run/nbdzramctl.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
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

void
attached_note_write (const char *device, const char *server,
                     const char *export)
{
  char *pid = machine_sys (machine_root (), device, "pid");
  char *dir = must_printf ("%s" ATTACHED_NOTES, machine_root ());
  char *path = attached_note_path (device), *new = must_printf ("%s.new", path);
  FILE *fp;
  bool done = false;

  mkdir (dir, 0755);
  fp = fopen (new, "we");
  if (fp) {
    done = fprintf (fp, "%s\n%s\n%s\n", pid ? pid : "", server, export) > 0;
    done = fclose (fp) == 0 && done && rename (new, path) == 0;
  }
  if (!done)
    complain ("%s: %s; later it will not be known what /dev/%s is", path,
              strerror (errno), device);
  free (new);
  free (path);
  free (dir);
  free (pid);
}

void
attached_note_remove (const char *name)
{
  char *path = attached_note_path (name);

  unlink (path);
  free (path);
}

int
attached_note_read (const char *root, const char *device, struct address *p)
{
  char *path = must_printf ("%s" ATTACHED_NOTES "/%s", root, device);
  char *text = machine_read (path, NULL), *save = NULL;
  char *pid = text ? strtok_r (text, "\n", &save) : NULL;
  char *server = pid ? strtok_r (NULL, "\n", &save) : NULL;
  char *export = server ? strtok_r (NULL, "\n", &save) : NULL;
  char *now = machine_sys (root, device, "pid");
  int r = -1;

  if (export && now && strcmp (pid, now) == 0 &&
      address_of_uri (server, p) == 0) {
    free (p->export);
    p->export = must_copy (export);
    r = 0;
  }
  free (now);
  free (text);
  free (path);
  return r;
}
