/* nbdzramctl: what this machine says of its nbd devices, in /sys and /proc.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "must.h"

/* None of these files is longer; one that is, is cut. */
#define FILE_MAX (1 << 20)

/* Tests set NBDZRAM_ROOT. */
const char *
machine_root (void)
{
  const char *root = getenv ("NBDZRAM_ROOT");

  return root ? root : "";
}

/* The size of files in /proc is not known before. */
char *
machine_read (const char *path, size_t *length)
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

/* Read the line without its newline. */
char *
machine_sys (const char *root, const char *device, const char *name)
{
  char *path = must_printf ("%s/sys/block/%s/%s", root, device, name);
  char *text = machine_read (path, NULL);

  free (path);
  if (text)
    text[strcspn (text, "\n")] = '\0';
  return text;
}

/* Say whether the name of a block device, "/dev/nbd0" or "/dev/nbd0p1", is the
 * device or a partition of it.
 */
static bool
machine_is_of_device (const char *source, const char *device)
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

/* Decode \040 and the like, in place. */
static void
machine_decode (char *s)
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

/* Return the mount point in a line of mountinfo, or NULL if it is of another
 * device.  The line is: id parent major:minor root mountpoint options
 * [optional...] - type source super-options.  For btrfs the numbers are not
 * those of the device, and the source may be /dev/root or a link: so one of
 * the two is enough.
 */
static char *
machine_mountpoint_of (char *line, const char *device, const char *number)
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
  machine_decode (source);
  if ((!number || strcmp (field[2], number) != 0) &&
      !machine_is_of_device (source, device))
    return NULL;
  machine_decode (field[4]);
  return must_copy (field[4]);
}

char *
machine_mountpoint (const char *root, const char *device)
{
  char *path = must_printf ("%s/proc/self/mountinfo", root);
  char *text = machine_read (path, NULL), *line, *save = NULL, *found = NULL;
  char *number = machine_sys (root, device, "dev");

  for (line = text ? strtok_r (text, "\n", &save) : NULL; line && !found;
       line = strtok_r (NULL, "\n", &save))
    found = machine_mountpoint_of (line, device, number);
  free (number);
  free (text);
  free (path);
  return found;
}

/* Its lines are: filename type size used priority. */
bool
machine_swap (const char *root, const char *device, struct swap_use *use)
{
  char *path = must_printf ("%s/proc/swaps", root);
  char *text = machine_read (path, NULL), *line, *save = NULL;
  bool found = false;

  for (line = text ? strtok_r (text, "\n", &save) : NULL; line && !found;
       line = strtok_r (NULL, "\n", &save)) {
    char *rest = line + strcspn (line, " \t");

    if (*rest)
      *rest++ = '\0';
    machine_decode (line);
    found = machine_is_of_device (line, device);
    if (found && use && sscanf (rest, "%*s %" SCNu64 " %" SCNu64,
                                &use->size, &use->used) != 2)
      *use = (struct swap_use) { 0, 0 };
  }
  free (text);
  free (path);
  return found;
}

/* Get the number after a key of /proc/meminfo. */
static bool
machine_meminfo (const char *text, const char *key, uint64_t *kib)
{
  const char *at = strstr (text, key);

  return at && sscanf (at + strlen (key), " %" SCNu64, kib) == 1;
}

bool
machine_room (const char *root, const struct swap_use *use, uint64_t *kib)
{
  char *path = must_printf ("%s/proc/meminfo", root);
  char *text = machine_read (path, NULL);
  uint64_t swap = 0, both = 0, own = use->size - use->used;
  bool known = text && machine_meminfo (text, "MemAvailable:", kib) &&
    machine_meminfo (text, "SwapFree:", &swap);

  if (known && swap > own)
    *kib += swap - own;
  /* Pages that are both swapped out and in memory need no more room. */
  if (known && machine_meminfo (text, "SwapCached:", &both))
    *kib += both;
  free (text);
  free (path);
  return known;
}

/* Device mapper and md are listed in holders. */
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
