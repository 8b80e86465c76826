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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attached.h"
#include "must.h"

/* More than any of these files has by right; longer ones are cut. */
#define FILE_MAX (1 << 20)
#define ARGS_MAX 64

/* A whole small file, with a NUL behind it; NULL if there is none.  To be
 * freed.
 */
static char *
read_small (const char *path, size_t *length)
{
  FILE *fp = fopen (path, "re");
  char *text = NULL;
  size_t n = 0, room = 0, got;

  if (!fp)
    return NULL;
  do {
    if (room - n < 4096) {
      char *more = must_alloc (room ? room * 2 : 8192, 1);

      if (n)
        memcpy (more, text, n);
      free (text);
      text = more;
      room = room ? room * 2 : 8192;
    }
    got = fread (text + n, 1, 4096, fp);
    n += got;
  } while (got && n < FILE_MAX);
  fclose (fp);
  text[n] = '\0';
  if (length)
    *length = n;
  return text;
}

/* One line of /sys: without the newline.  NULL if there is none. */
char *
machine_sys (const char *root, const char *device, const char *name)
{
  char *path = must_printf ("%s/sys/block/%s/%s", root, device, name);
  char *text = read_small (path, NULL);

  free (path);
  if (text)
    text[strcspn (text, "\n")] = '\0';
  return text;
}

/* --- What it is connected to -------------------------------------------- */

static int
address_by_backend (const char *root, const char *device, struct address *p)
{
  char *backend = machine_sys (root, device, "backend");
  int r = backend && strncasecmp (backend, "nbd", 3) == 0
    ? address_of_uri (backend, p) : -1;

  free (backend);
  return r;
}

static int
address_by_note (const char *root, const char *device, struct address *p)
{
  char *path = must_printf ("%s" ATTACHED_NOTES "/%s", root, device);
  char *text = read_small (path, NULL), *save = NULL;
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

static int
address_by_process (const char *root, const char *device, struct address *p)
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
  text = read_small (path, &length);
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
address_by_nbdtab (const char *root, const char *device, struct address *p)
{
  char *path = must_printf ("%s/etc/nbdtab", root);
  char *text = read_small (path, NULL), *line, *next;
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

/* --- Where it is mounted ------------------------------------------------ */

/* Does a name or a number of a block device mean nbdN or a partition of it?
 * "/dev/nbd0", "/dev/nbd0p1".
 */
static bool
is_of_device (const char *source, const char *device)
{
  size_t n = strlen (device);

  if (strncmp (source, "/dev/", 5) != 0)
    return false;
  source += 5;
  return strncmp (source, device, n) == 0 &&
         (!source[n] || (source[n] == 'p' && source[n + 1] &&
                         !source[n + 1 + strspn (source + n + 1,
                                                 "0123456789")]));
}

/* \040 and the like, in place. */
static void
octal_decode (char *s)
{
  char *to = s;

  for (; *s; s++) {
    if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
        s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
      *to++ = (char) ((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0');
      s += 3;
    }
    else
      *to++ = *s;
  }
  *to = '\0';
}

/* A line of mountinfo: id parent major:minor root mountpoint options
 * [optional...] - type source super-options.  The numbers are not those of
 * the device for btrfs, and the source can be /dev/root or a link, so
 * either will do.
 */
static char *
mountpoint_of_line (char *line, const char *device, const char *number)
{
  char *save = NULL, *word, *field[5] = { NULL }, *source = NULL;
  int i = 0, after = -1;

  for (word = strtok_r (line, " ", &save); word;
       word = strtok_r (NULL, " ", &save), i++) {
    if (i < 5)
      field[i] = word;
    else if (after < 0 && strcmp (word, "-") == 0)
      after = 0;
    else if (after >= 0 && ++after == 2)
      source = word;
  }
  if (!field[4] || !source)
    return NULL;
  octal_decode (source);
  if ((!number || strcmp (field[2], number) != 0) &&
      !is_of_device (source, device))
    return NULL;
  octal_decode (field[4]);
  return must_copy (field[4]);
}

char *
machine_mountpoint (const char *root, const char *device)
{
  char *path = must_printf ("%s/proc/self/mountinfo", root);
  char *text = read_small (path, NULL), *line, *save = NULL, *found = NULL;
  char *number = machine_sys (root, device, "dev");

  for (line = text ? strtok_r (text, "\n", &save) : NULL; line && !found;
       line = strtok_r (NULL, "\n", &save))
    found = mountpoint_of_line (line, device, number);
  free (number);
  free (text);
  free (path);
  return found;
}

/* A line of it: filename type size used priority. */
bool
machine_swap (const char *root, const char *device, struct swap_use *use)
{
  char *path = must_printf ("%s/proc/swaps", root);
  char *text = read_small (path, NULL), *line, *save = NULL;
  bool found = false;

  for (line = text ? strtok_r (text, "\n", &save) : NULL; line && !found;
       line = strtok_r (NULL, "\n", &save)) {
    char *rest = line + strcspn (line, " \t");

    if (*rest)
      *rest++ = '\0';
    octal_decode (line);
    found = is_of_device (line, device);
    if (found && use && sscanf (rest, "%*s %" SCNu64 " %" SCNu64,
                                &use->size, &use->used) != 2)
      *use = (struct swap_use) { 0, 0 };
  }
  free (text);
  free (path);
  return found;
}

/* The number behind a key of /proc/meminfo. */
static bool
meminfo (const char *text, const char *key, uint64_t *kib)
{
  const char *at = strstr (text, key);

  return at && sscanf (at + strlen (key), " %" SCNu64, kib) == 1;
}

bool
machine_room (const char *root, const struct swap_use *use, uint64_t *kib)
{
  char *path = must_printf ("%s/proc/meminfo", root);
  char *text = read_small (path, NULL);
  uint64_t swap = 0, both = 0, own = use->size - use->used;
  bool known = text && meminfo (text, "MemAvailable:", kib) &&
    meminfo (text, "SwapFree:", &swap);

  if (known && swap > own)
    *kib += swap - own;
  /* What is swapped out and in memory as well needs no more. */
  if (known && meminfo (text, "SwapCached:", &both))
    *kib += both;
  free (text);
  free (path);
  return known;
}

/* Device mapper and md list themselves there. */
bool
machine_holder (const char *root, const char *device)
{
  char *path = must_printf ("%s/sys/block/%s/holders", root, device);
  DIR *dir = opendir (path);
  struct dirent *entry;
  bool found = false;

  while (dir && !found && (entry = readdir (dir)))
    found = entry->d_name[0] != '.';
  if (dir)
    closedir (dir);
  free (path);
  return found;
}

/* --- The list ----------------------------------------------------------- */

/* An nbd device is attached while it has a pid and a size. */
static bool
is_attached (const char *root, const char *device)
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

/* Only nbdN: partitions are below it. */
static int
is_nbd (const struct dirent *entry)
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
  int i, n = scandir (path, &entries, is_nbd, versionsort);

  free (path);
  for (i = 0; i < n; i++) {
    const char *device = entries[i]->d_name;
    struct address p = { 0 };

    if (is_attached (root, device) &&
        (address_by_backend (root, device, &p) == 0 ||
         address_by_note (root, device, &p) == 0 ||
         address_by_process (root, device, &p) == 0 ||
         address_by_nbdtab (root, device, &p) == 0)) {
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

/* A mounted one before others of the same export. */
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
