/* nbdzramctl: mount and unmount.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A file system that begins empty: attach, make it, mount it; and back.
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "config-file.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"
#include "must.h"
#include "number-text.h"
#include "server-json.h"
#include "trust.h"

#define FS_TYPE "ext4"
/* The memory of deleted files is given back. */
#define MOUNT_OPTIONS "discard"

/* Options for mkfs.  There is no need of a journal on a disk that does not
 * survive a crash.
 */
static const struct fs {
  const char *type, *options[4];
} file_systems[] = {
  { "btrfs", { "-q", "-f" } },
  { "ext2", { "-q", "-F" } },
  { "ext3", { "-q", "-F" } },
  { "ext4", { "-q", "-F", "-O", "^has_journal" } },
  { "f2fs", { "-q", "-f" } },
  { "xfs", { "-q", "-f" } },
};
#define N_FILE_SYSTEMS (sizeof file_systems / sizeof file_systems[0])

static const char *
mount_fs_type (const struct options *o)
{
  return o->fs_type ? o->fs_type : FS_TYPE;
}

/* Control characters could look like something else in what is printed, and
 * make lines of their own in /proc/mounts.
 */
static bool
mount_is_printable (const char *text)
{
  for (; *text; text++)
    if (iscntrl ((unsigned char) *text))
      return false;
  return true;
}

int
command_mount_check (const struct options *o)
{
  const char *type = mount_fs_type (o);

  if (!*type ||
      type[strspn (type, "abcdefghijklmnopqrstuvwxyz0123456789")])
    return fault ("--fs-type %s: must be a type of file system, like ext4",
                  type);
  if (o->mount_point && *o->mount_point != '/')
    return fault ("--mount-point %s: must begin with a /", o->mount_point);
  if (o->mount_point && !mount_is_printable (o->mount_point))
    return fault ("--mount-point %s: must have no control characters",
                  o->mount_point);
  if (o->mount_options && (!*o->mount_options || *o->mount_options == '-' ||
                           !mount_is_printable (o->mount_options)))
    return fault ("--mount-options %s: must be a list like discard,noatime",
                  o->mount_options);
  return attach_check (o);
}

/* Check that nothing is on the device.  --force skips this. */
static int
mount_check_empty (const struct options *o, const char *name)
{
  char text[SIZE_TEXT];
  struct server s;
  device *d;
  int r = 0;

  if (server_load (o->uri, &s) < 0)
    return -1;
  d = server_find (&s, name);
  if (!d)
    r = fault ("%s: there is no such device", name);
  else if (device_count (d, "orig_data_size"))
    r = fault ("%s holds %s of data; --force writes over it", name,
               size_text (device_count (d, "orig_data_size"), text));
  server_free (&s);
  return r;
}

/* --- The directory ------------------------------------------------------- */

/* Make the directory, but not its parents, unless it is there.  *made says
 * whether it was made.
 */
static int
mount_make_directory (const struct options *o, bool *made)
{
  char *real = must_printf ("%s%s", machine_root (), o->mount_point);
  struct stat st;
  int r = 0;

  *made = false;
  if (stat (real, &st) == 0) {
    if (!S_ISDIR (st.st_mode))
      r = fault ("%s is no directory", o->mount_point);
  }
  else if (errno != ENOENT)
    r = fault ("%s: %s", o->mount_point, strerror (errno));
  else if (o->dry_run)
    printf ("mkdir %s\n", o->mount_point);
  else if (mkdir (real, 0755) == -1)
    r = fault ("%s: %s", o->mount_point, strerror (errno));
  else
    *made = true;
  free (real);
  return r;
}

static void
mount_remove_directory (const struct options *o)
{
  char *real = must_printf ("%s%s", machine_root (), o->mount_point);

  rmdir (real);
  free (real);
}

/* --- Mounting ------------------------------------------------------------ */

static int
mount_make_fs (const struct options *o, const char *path)
{
  const char *type = mount_fs_type (o);
  struct program p = { .patient = true };
  size_t i, j;
  int r;

  program_add (&p, program_keep (&p, must_printf ("mkfs.%s", type)), NULL);
  for (i = 0; i < N_FILE_SYSTEMS; i++)
    for (j = 0; strcmp (file_systems[i].type, type) == 0 && j < 4 &&
         file_systems[i].options[j]; j++)
      program_add (&p, file_systems[i].options[j], NULL);
  program_add (&p, path, NULL);
  r = program_run (&p);
  program_free (&p);
  return r;
}

static int
mount_fs (const struct options *o, const char *path)
{
  struct program p = { .patient = true };

  program_add (&p, "mount", "-t", mount_fs_type (o), "-o",
               o->mount_options ? o->mount_options : MOUNT_OPTIONS, path,
               o->mount_point, NULL);
  return program_run (&p);
}

static bool
mount_is_at (const char *name, const char *where)
{
  char *now = machine_mountpoint (machine_root (), name);
  bool yes = now && strcmp (now, where) == 0;

  free (now);
  return yes;
}

/* Unmount a device everywhere.  Somebody else, as systemd at shutdown, may do
 * the same at the same time.
 */
static int
unmount_fs (const char *name, bool dry)
{
  char *where;
  int r = 0;

  while (r == 0 && (where = machine_mountpoint (machine_root (), name))) {
    struct program p = { .patient = true };

    program_add (&p, "umount", program_keep (&p, where), NULL);
    r = program_run (&p);
    if (r < 0 && !interrupt_came () && !mount_is_at (name, where))
      r = 0;
    program_free (&p);
    if (dry)
      break;
  }
  return r;
}

/* Undo what was done, and keep the fault that is the reason. */
static void
mount_take_back (const struct attachment *a)
{
  char *why = must_copy (fault_text ());

  interrupt_defer (true);
  if (unmount_fs (a->name, a->dry) < 0 || nbd_detach (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  fault ("%s", why);
  free (why);
}

static int
mount_new (const struct options *o, struct attachment *a)
{
  bool made;
  int r = mount_make_directory (o, &made);

  if (r < 0)
    return -1;
  r = nbd_attach (a);
  if (r == 0) {
    r = mount_make_fs (o, a->path);
    if (r == 0)
      r = mount_fs (o, a->path);
    if (r < 0)
      mount_take_back (a);
  }
  if (r < 0 && made)
    mount_remove_directory (o);
  return r;
}

static int
mount_device (const struct options *o, const char *given)
{
  struct attachment a;
  struct export e;
  int r = attach_begin (o);

  if (r == 0)
    r = attach_plan (o, given, false, &a, &e);
  if (r < 0)
    return -1;
  if (e.read_only)
    r = fault ("%s: the server lets nobody write", a.address.export);
  if (r == 0 && !o->force)
    r = trust_check_owner (&a, &e);
  if (r == 0 && !o->force)
    r = mount_check_empty (o, a.address.export);
  if (r == 0)
    r = mount_new (o, &a);
  if (r == 0 && !o->dry_run)
    puts (a.path);
  address_free (&a.address);
  return r;
}

int
command_mount (const struct options *o, int argc, char **argv)
{
  struct options with = *o;
  struct config c;
  int r;

  if (command_mount_check (o) < 0)
    return usage ("%s", fault_text ());
  if (config_read (o->config, &c) < 0)
    return failed ();
  config_options (&c, &with);
  if (!with.mount_point)
    r = usage ("mount needs --mount-point DIR, or mount-point in the"
               " --config");
  else if (config_check (&c, command_mount_check) < 0)
    r = failed ();
  else {
    r = mount_device (&with, argc ? argv[0] : NULL) < 0 ? failed ()
      : EXIT_OK;
    interrupt_end ();
  }
  config_free (&c);
  return r;
}

/* --- And back ------------------------------------------------------------ */

static int
unmount_one (const struct options *o, const char *name)
{
  int r;

  if (machine_swap (machine_root (), name, NULL))
    return fault ("/dev/%s is swap: say " PROGRAM " swapoff %s", name, name);
  r = unmount_fs (name, o->dry_run);
  if (r == 0 && !o->dry_run)
    r = attach_unmounted (name);
  if (r < 0)
    return -1;
  /* What was on it is of no use any more. */
  interrupt_defer (true);
  attach_forget (name);
  r = nbd_detach (name, o->dry_run);
  interrupt_defer (false);
  return r;
}

/* Find all devices that are named, mounted or not. */
static int
unmount_find (const struct attached *list, int argc, char **argv,
              const char **names)
{
  int i;

  for (i = 0; i < argc; i++) {
    names[i] = attached_name (list, argv[i]);
    if (!names[i])
      return -1;
  }
  return 0;
}

int
command_unmount (const struct options *o, int argc, char **argv)
{
  return attach_undo (o, argc, argv, unmount_find, unmount_one);
}
