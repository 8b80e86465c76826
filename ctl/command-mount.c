/* nbdzramctl: mount and unmount.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A file system that begins empty: attach, make it, mount it; and back.
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
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
/* With this the memory of deleted files is given back. */
#define MOUNT_OPTIONS "discard"

/* Options of mkfs.  A disk that does not survive a crash needs no journal. */
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

/* Say whether a text has no control characters.  They could look like
 * something else in what is printed, and make lines of their own in
 * /proc/mounts.
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
  FREED_BY (server_free) struct server s;
  device *d = server_load_device (o->uri, name, &s);
  char text[SIZE_TEXT];

  if (!d)
    return -1;
  if (!device_count (d, "orig_data_size"))
    return 0;
  return fault ("%s holds %s of data; --force writes over it", name,
                size_text (device_count (d, "orig_data_size"), text));
}

/* --- The directory ------------------------------------------------------- */

/* Make the directory, but not its parents, unless it is there.  *made says
 * whether it was made.
 */
static int
mount_make_directory (const struct options *o, bool *made)
{
  FREED char *real = must_printf ("%s%s", machine_root (), o->mount_point);
  struct stat st;

  *made = false;
  if (stat (real, &st) == 0)
    return S_ISDIR (st.st_mode) ? 0
      : fault ("%s is no directory", o->mount_point);
  if (errno != ENOENT)
    return fault ("%s: %s", o->mount_point, strerror (errno));
  if (o->dry_run)
    printf ("mkdir %s\n", o->mount_point);
  else if (mkdir (real, 0755) == -1)
    return fault ("%s: %s", o->mount_point, strerror (errno));
  else
    *made = true;
  return 0;
}

static void
mount_remove_directory (const struct options *o)
{
  FREED char *real = must_printf ("%s%s", machine_root (), o->mount_point);

  rmdir (real);
}

/* --- Mounting ------------------------------------------------------------ */

static void
mount_add_options (struct program *p, const char *type)
{
  size_t i, j;

  for (i = 0; i < N_FILE_SYSTEMS; i++)
    for (j = 0; strcmp (file_systems[i].type, type) == 0 && j < 4 &&
         file_systems[i].options[j]; j++)
      program_add (p, file_systems[i].options[j], NULL);
}

static int
mount_make_fs (const struct options *o, const char *path)
{
  FREED_BY (program_free) struct program p = { .patient = true };

  program_printf (&p, "mkfs.%s", mount_fs_type (o));
  mount_add_options (&p, mount_fs_type (o));
  program_add (&p, path, NULL);
  return program_run (&p);
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
  FREED char *now = machine_mountpoint (machine_root (), name);

  return now && strcmp (now, where) == 0;
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
    FREED_BY (program_free) struct program p = { .patient = true };

    program_add (&p, "umount", program_keep (&p, where), NULL);
    r = program_run (&p);
    if (r < 0 && !interrupt_came () && !mount_is_at (name, where))
      r = 0;
    if (dry)
      break;
  }
  return r;
}

/* Undo what was done, and keep the fault that is the reason.  Return -1. */
static int
mount_take_back (const struct attachment *a)
{
  FREED char *why = must_copy (fault_text ());

  interrupt_defer (true);
  if (unmount_fs (a->name, a->dry) < 0 || nbd_detach (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  return fault ("%s", why);
}

/* Attach the device and mount a new file system, or leave all as it was. */
static int
mount_attached (const struct options *o, struct attachment *a)
{
  if (nbd_attach (a) < 0)
    return -1;
  return mount_make_fs (o, a->path) < 0 || mount_fs (o, a->path) < 0
    ? mount_take_back (a) : 0;
}

static int
mount_new (const struct options *o, struct attachment *a)
{
  bool made;
  int r = mount_make_directory (o, &made);

  if (r == 0)
    r = mount_attached (o, a);
  if (r < 0 && made)
    mount_remove_directory (o);
  return r;
}

static int
mount_device (const struct options *o, struct attachment *a,
              const struct export *e)
{
  if (attach_check_writable (a, e) < 0)
    return -1;
  if (!o->force && (trust_check_owner (a, e) < 0 ||
                    mount_check_empty (o, a->address.export) < 0))
    return -1;
  return mount_new (o, a);
}

int
command_mount (const struct options *o, int argc, char **argv)
{
  FREED_BY (config_free) struct config c;
  struct options with;
  int r = config_take (o, command_mount_check, &c, &with);

  if (r != EXIT_OK)
    return r;
  if (!with.mount_point)
    return usage ("mount needs --mount-point DIR, or mount-point in the"
                  " --config");
  if (config_check (&c, command_mount_check) < 0)
    return failed ();
  return attach_run (&with, argc ? argv[0] : NULL, attach_plan, mount_device);
}

/* --- And back ------------------------------------------------------------ */

static int
unmount_one (const struct options *o, const char *name)
{
  int r = attach_no_swap (name);

  if (r == 0)
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
