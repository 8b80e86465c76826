/* nbdzramctl: what this machine says of its nbd devices, in /sys and /proc.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "must.h"
#include "number-text.h"

/* None of these files is longer; one that is, is cut. */
#define FILE_MAX (1 << 20)
#define BLOCK 4096

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
    if (room - n <= BLOCK) {
      room += room + 2 * BLOCK;
      text = must_resize (text, room);
    }
    got = fread (text + n, 1, BLOCK, fp);
    n += got;
  } while (got && n < FILE_MAX);
  fclose (fp);
  text[n] = '\0';
  if (length)
    *length = n;
  return text;
}

char *
machine_text (const char *format, ...)
{
  FREED char *path = NULL;
  va_list args;

  va_start (args, format);
  path = must_format (format, args);
  va_end (args);
  return machine_read (path, NULL);
}

/* Read the line without its newline. */
char *
machine_sys (const char *root, const char *device, const char *name)
{
  char *text = machine_text ("%s/sys/block/%s/%s", root, device, name);

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

  if (strncmp (source, "/dev/", 5) != 0 ||
      strncmp (source + 5, device, n) != 0)
    return false;
  source += 5 + n;
  return !*source || (*source == 'p' && text_is_digits (source + 1));
}

/* Return the byte that \040 or the like stands for.  -1: it is none. */
static int
machine_escaped (const char *s)
{
  return s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
         s[2] <= '7' && s[3] >= '0' && s[3] <= '7'
    ? (s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0' : -1;
}

/* Decode \040 and the like, in place. */
static void
machine_decode (char *s)
{
  char *to = s;
  int c;

  for (; *s; s++) {
    c = machine_escaped (s);
    *to++ = c < 0 ? *s : (char) c;
    s += c < 0 ? 0 : 3;
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
  FREED char *text = machine_text ("%s/proc/self/mountinfo", root);
  FREED char *number = machine_sys (root, device, "dev");
  char *rest = text, *line, *found = NULL;

  while (!found && (line = strsep (&rest, "\n")))
    found = machine_mountpoint_of (line, device, number);
  return found;
}

/* Say whether a line of /proc/swaps is of a device, and how much of it is
 * used.  It is: filename type size used priority.
 */
static bool
machine_swap_of (char *line, const char *device, struct swap_use *use)
{
  char *name = strsep (&line, " \t");

  machine_decode (name);
  if (!machine_is_of_device (name, device))
    return false;
  if (use && (!line || sscanf (line, "%*s %" SCNu64 " %" SCNu64, &use->size,
                               &use->used) != 2))
    *use = (struct swap_use) { 0, 0 };
  return true;
}

bool
machine_swap (const char *root, const char *device, struct swap_use *use)
{
  FREED char *text = machine_text ("%s/proc/swaps", root);
  char *rest = text, *line;
  bool found = false;

  while (!found && (line = strsep (&rest, "\n")))
    found = machine_swap_of (line, device, use);
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
  FREED char *text = machine_text ("%s/proc/meminfo", root);
  uint64_t swap = 0, both = 0, own = use->size - use->used;

  if (!text || !machine_meminfo (text, "MemAvailable:", kib) ||
      !machine_meminfo (text, "SwapFree:", &swap))
    return false;
  if (swap > own)
    *kib += swap - own;
  /* Pages that are both swapped out and in memory need no more room. */
  if (machine_meminfo (text, "SwapCached:", &both))
    *kib += both;
  return true;
}

/* Device mapper and md are listed in holders. */
bool
machine_holder (const char *root, const char *device)
{
  FREED char *path = must_printf ("%s/sys/block/%s/holders", root, device);
  DIR *dir = opendir (path);
  struct dirent *entry;
  bool found = false;

  while (dir && !found && (entry = readdir (dir)))
    found = entry->d_name[0] != '.';
  if (dir)
    closedir (dir);
  return found;
}
