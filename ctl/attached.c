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

#define ARGS_MAX 64

/* --- What it is connected to -------------------------------------------- */

static int
attached_read_backend (const char *root, const char *device, struct address *p)
{
  char *backend = machine_sys (root, device, "backend");
  int r = backend && strncasecmp (backend, "nbd", 3) == 0
    ? address_of_uri (backend, p) : -1;

  free (backend);
  return r;
}

static int
attached_read_process (const char *root, const char *device, struct address *p)
{
  char *pid = machine_sys (root, device, "pid"), *path, *text, *arg;
  char *argv[ARGS_MAX];
  size_t length = 0;
  int argc = 0, r = -1;

  if (!pid || !*pid || pid[strspn (pid, "0123456789")]) {
    free (pid);
    return -1;
  }
  path = must_printf ("%s/proc/%s/cmdline", root, pid);
  text = machine_read (path, &length);
  if (text) {
    for (arg = text; arg < text + length && argc < ARGS_MAX;
         arg += strlen (arg) + 1)
      argv[argc++] = arg;
    r = address_of_argv (argc, argv, device, p);
  }
  free (text);
  free (path);
  free (pid);
  return r;
}

static int
attached_read_nbdtab (const char *root, const char *device, struct address *p)
{
  char *path = must_printf ("%s/etc/nbdtab", root);
  char *text = machine_read (path, NULL), *line, *next;
  int r = -1;

  free (path);
  for (line = text; line && *line && r < 0; line = next) {
    char *field[4] = { NULL, NULL, NULL, NULL }, *save = NULL, *word;
    size_t n = strcspn (line, "\n");
    int i = 0;

    next = line + n + (line[n] != '\0');
    line[n] = '\0';
    line[strcspn (line, "#")] = '\0';
    for (word = strtok_r (line, " \t", &save); word && i < 4;
         word = strtok_r (NULL, " \t", &save))
      field[i++] = word;
    if (i >= 3 && strcmp (field[0], device) == 0)
      r = address_of_nbdtab (field[1], field[2], field[3], p);
  }
  free (text);
  return r;
}

/* --- The list ----------------------------------------------------------- */

/* An nbd device is attached while it has a pid and a size. */
static bool
attached_is (const char *root, const char *device)
{
  char *size = machine_sys (root, device, "size");
  char *pid = machine_sys (root, device, "pid");
  bool yes = size && strcmp (size, "0") != 0 && pid;

  free (size);
  free (pid);
  return yes;
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
  const char *digits = entry->d_name + 3;

  return strncmp (entry->d_name, "nbd", 3) == 0 && *digits &&
         !digits[strspn (digits, "0123456789")];
}

struct attached *
attached_list (const char *root, const struct address *server)
{
  struct attached *list = NULL, **last = &list;
  struct dirent **entries;
  char *path = must_printf ("%s/sys/block", root);
  int i, n = scandir (path, &entries, attached_is_nbd, versionsort);

  free (path);
  for (i = 0; i < n; i++) {
    const char *device = entries[i]->d_name;
    struct address p = { 0 };

    if (attached_is (root, device) &&
        (attached_read_backend (root, device, &p) == 0 ||
         attached_note_read (root, device, &p) == 0 ||
         attached_read_process (root, device, &p) == 0 ||
         attached_read_nbdtab (root, device, &p) == 0)) {
      if (address_same_server (server, &p)) {
        *last = attached_new (root, device, &p);
        last = &(*last)->next;
      }
      address_free (&p);
    }
    free (entries[i]);
  }
  if (n >= 0)
    free (entries);
  return list;
}

struct attached *
attached_load (const char *uri)
{
  struct attached *list;
  struct address p;

  if (address_of_server (uri, &p) < 0)
    return NULL;
  list = attached_list (machine_root (), &p);
  address_free (&p);
  return list;
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
