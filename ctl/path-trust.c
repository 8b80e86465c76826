/* nbdzramctl: who could listen at a Unix socket, or put another in its place.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whoever owns a directory can replace what is in it, and so can whoever may
 * write to it, unless its sticky bit protects the files of others.  With
 * access control lists the bits of the group are what the lists allow at most.
 */

#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "must.h"
#include "path-trust.h"

bool
path_trusts (uid_t uid)
{
  FREED char *dir = must_printf ("%s/run/nbdkit-zram", machine_root ());
  struct stat st;

  return uid == 0 || uid == geteuid () ||
         (stat (dir, &st) == 0 && st.st_uid == uid);
}

/* Return those bits of the mode that allow something to others: not to the
 * owner, and not to a group that is root's or our own.
 */
static mode_t
path_mode_of_others (const struct stat *st)
{
  bool own_group = st->st_gid == 0 || st->st_gid == getegid ();

  return st->st_mode & (own_group ? S_IRWXO : S_IRWXG | S_IRWXO);
}

/* Return the directory that a path is in, to be freed, or NULL for "/". */
static char *
path_parent (const char *path)
{
  char *dir = must_copy (path), *slash = strrchr (dir, '/');

  if (!slash || !slash[1]) {
    free (dir);
    return NULL;
  }
  slash[slash == dir] = '\0';
  return dir;
}

/* Call fn for each directory on the way, from the last to the first, until it
 * returns true.  Return that directory, to be freed, or NULL.
 */
typedef bool directory_fn (const struct stat *st, void *opaque);
static char *
path_find_directory (const char *path, directory_fn *fn, void *opaque)
{
  char *dir = path_parent (path), *up;
  struct stat st;

  for (; dir; dir = up) {
    if (stat (dir, &st) == 0 && fn (&st, opaque))
      break;
    up = path_parent (dir);
    free (dir);
  }
  return dir;
}

static bool
path_is_strange (const struct stat *st, void *opaque)
{
  uid_t *uid = opaque;

  *uid = st->st_uid;
  return !path_trusts (st->st_uid);
}

bool
path_find_stranger (const char *path, uid_t *uid)
{
  FREED char *dir = NULL;
  struct stat st;

  if (stat (path, &st) == 0 && path_is_strange (&st, uid))
    return true;
  dir = path_find_directory (path, path_is_strange, uid);
  return dir != NULL;
}

static bool
path_is_open (const struct stat *st, void *opaque)
{
  (void) opaque;
  return (path_mode_of_others (st) & (S_IWGRP | S_IWOTH)) &&
         !(st->st_mode & S_ISVTX);
}

char *
path_find_open_directory (const char *path)
{
  return path_find_directory (path, path_is_open, NULL);
}

static bool
path_is_shut (const struct stat *st, void *opaque)
{
  (void) opaque;
  return !(path_mode_of_others (st) & (S_IXGRP | S_IXOTH));
}

bool
path_lets_others_connect (const char *path)
{
  FREED char *dir = NULL;
  struct stat st;

  if (stat (path, &st) < 0 ||
      !(path_mode_of_others (&st) & (S_IWGRP | S_IWOTH)))
    return false;
  dir = path_find_directory (path, path_is_shut, NULL);
  return !dir;
}
