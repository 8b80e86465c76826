/* nbdzramctl: which devices of a server are attached to this machine, as
 * /dev/nbdN, and where they are mounted.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel does not say what an nbd device is connected to.  What can be
 * known, in this order:
 * 1. /sys/block/nbdN/backend, which is there if whoever attached it gave
 *    an identifier: an NBD URI is understood;
 * 2. what the tool noted when it attached the device itself; another pid
 *    now, and somebody else has attached it since;
 * 3. the command line of the process /sys/block/nbdN/pid.  It is gone, and
 *    the number may be another process's, if the device was attached by
 *    netlink: so it must be nbd-client or have a URI, and name /dev/nbdN;
 * 4. the line of nbdN in /etc/nbdtab.
 * What none of them tells is not shown, rather than guessed.
 */

#include <config.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attached-note.h"
#include "attached.h"
#include "machine.h"
#include "must.h"
#include "number-text.h"

#define ARGS_MAX 64

/* --- What it is connected to -------------------------------------------- */

static int
attached_read_backend (const char *root, const char *device, struct address *p)
{
  FREED char *backend = machine_sys (root, device, "backend");

  return backend && strncasecmp (backend, "nbd", 3) == 0
    ? address_of_uri (backend, p) : -1;
}

static int
attached_read_process (const char *root, const char *device, struct address *p)
{
  FREED char *pid = machine_sys (root, device, "pid");
  FREED char *path = NULL, *text = NULL;
  char *argv[ARGS_MAX], *arg;
  size_t length = 0;
  int argc = 0;

  if (!pid || !text_is_digits (pid))
    return -1;
  path = must_printf ("%s/proc/%s/cmdline", root, pid);
  text = machine_read (path, &length);
  for (arg = text; arg && arg < text + length && argc < ARGS_MAX;
       arg += strlen (arg) + 1)
    argv[argc++] = arg;
  return address_of_argv (argc, argv, device, p);
}

/* Read a line of nbdtab: device host export [options]. */
static int
attached_of_line (char *line, const char *device, struct address *p)
{
  char *field[4], *save = NULL;
  int i;

  line[strcspn (line, "#")] = '\0';
  for (i = 0; i < 4; i++)
    field[i] = strtok_r (i ? NULL : line, " \t", &save);
  return field[0] && field[2] && strcmp (field[0], device) == 0
    ? address_of_nbdtab (field[1], field[2], field[3], p) : -1;
}

static int
attached_read_nbdtab (const char *root, const char *device, struct address *p)
{
  FREED char *text = machine_text ("%s/etc/nbdtab", root);
  char *rest = text, *line;
  int r = -1;

  while (r < 0 && (line = strsep (&rest, "\n")))
    r = attached_of_line (line, device, p);
  return r;
}

/* --- The list ----------------------------------------------------------- */

/* Say whether an nbd device is attached: while it is, it has a pid and a size.
 */
static bool
attached_is (const char *root, const char *device)
{
  FREED char *size = machine_sys (root, device, "size");
  FREED char *pid = machine_sys (root, device, "pid");

  return size && strcmp (size, "0") != 0 && pid;
}

static struct attached *
attached_new (const char *root, const char *device, const struct address *p)
{
  struct attached *a = must_alloc (1, sizeof *a);

  a->device = must_copy (device);
  /* The default export is the first device. */
  a->export = must_copy (*p->export ? p->export : "zram0");
  a->mountpoint = machine_swap (root, device, NULL)
    ? must_copy ("[SWAP]") : machine_mountpoint (root, device);
  return a;
}

/* Take only nbdN: partitions are below it. */
static int
attached_is_nbd (const struct dirent *entry)
{
  return strncmp (entry->d_name, "nbd", 3) == 0 &&
         text_is_digits (entry->d_name + 3);
}

/* Find out what is attached to a device.  False: it is not known. */
static bool
attached_read (const char *root, const char *device, struct address *p)
{
  return attached_is (root, device) &&
         (attached_read_backend (root, device, p) == 0 ||
          attached_note_read (root, device, p) == 0 ||
          attached_read_process (root, device, p) == 0 ||
          attached_read_nbdtab (root, device, p) == 0);
}

/* Return what is attached to a device, if it is the server's.  Else NULL. */
static struct attached *
attached_of_server (const char *root, const char *device,
                    const struct address *server)
{
  FREED_BY (address_free) struct address p = { 0 };

  return attached_read (root, device, &p) && address_same_server (server, &p)
    ? attached_new (root, device, &p) : NULL;
}

struct attached *
attached_list (const char *root, const struct address *server)
{
  struct attached *list = NULL, **last = &list;
  struct dirent **entries = NULL;
  FREED char *path = must_printf ("%s/sys/block", root);
  int i, n = scandir (path, &entries, attached_is_nbd, versionsort);

  for (i = 0; i < n; i++) {
    *last = attached_of_server (root, entries[i]->d_name, server);
    if (*last)
      last = &(*last)->next;
    free (entries[i]);
  }
  free (entries);
  return list;
}

struct attached *
attached_load (const char *uri)
{
  FREED_BY (address_free) struct address p = { 0 };

  return address_of_server (uri, &p) < 0 ? NULL
    : attached_list (machine_root (), &p);
}

void
attached_free (struct attached *list)
{
  while (list) {
    struct attached *next = list->next;

    free (list->device);
    free (list->export);
    free (list->mountpoint);
    free (list);
    list = next;
  }
}

/* Prefer a device that is mounted. */
const struct attached *
attached_by_export (const struct attached *list, const char *export)
{
  const struct attached *found = NULL;

  for (; list; list = list->next)
    if (strcmp (list->export, export) == 0 &&
        (!found || (!found->mountpoint && list->mountpoint)))
      found = list;
  return found;
}

const struct attached *
attached_by_device (const struct attached *list, const char *device)
{
  for (; list; list = list->next)
    if (strcmp (list->device, device) == 0)
      return list;
  return NULL;
}
