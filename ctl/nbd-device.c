/* nbdzramctl: the nbd devices of this machine: attaching and detaching.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is nbd-client that negotiates and hands its sockets to the kernel; it
 * uses netlink, so that no process stays that could be killed.  Never with
 * -persist: it would connect again to a server that was started anew, and
 * whose disk is empty.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attached-note.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"
#include "must.h"
#include "nbd-device.h"
#include "nbd-probe.h"
#include "number-text.h"

/* How many free devices to try: another program may take one first. */
#define TRIES 16
/* How long to wait for an nbd-client without netlink, which attaches in the
 * background.
 */
#define PATIENCE_MS 5000
/* How often to attach a device that does not answer: see nbd-probe.c. */
#define ATTEMPTS 3

const char *
nbd_name (const char *path)
{
  const char *name = strncmp (path, "/dev/", 5) == 0 ? path + 5 : path;

  return strncmp (name, "nbd", 3) == 0 && text_is_digits (name + 3) &&
         strlen (name + 3) <= 6 ? name : NULL;
}

/* --- What the kernel says ----------------------------------------------- */

bool
nbd_attached (const char *name)
{
  FREED char *pid = machine_sys (machine_root (), name, "pid");

  return pid != NULL;
}

static bool
nbd_has_no_size (const char *name)
{
  FREED char *size = machine_sys (machine_root (), name, "size");

  return !size || strcmp (size, "0") == 0;
}

/* Say whether a device is free.  One that has lost its server keeps its size
 * while it is open.
 */
static bool
nbd_is_free (const char *name)
{
  return nbd_has_no_size (name) && !nbd_attached (name);
}

static bool
nbd_exists (const char *path)
{
  FREED char *real = must_printf ("%s%s", machine_root (), path);

  return access (real, F_OK) == 0;
}

/* Load the kernel's module.  It stays loaded, which does no harm. */
static int
nbd_load_module (void)
{
  struct program p = { .argc = 0 };

  if (nbd_exists ("/sys/module/nbd") || nbd_exists ("/sys/block/nbd0"))
    return 0;
  program_add (&p, "modprobe", "nbd", NULL);
  if (program_run (&p) == 0)
    return 0;
  return interrupt_came () ? -1
    : fault ("the kernel has no nbd devices, and its module nbd cannot be"
             " loaded: %s", fault_text ());
}

/* --- Doing -------------------------------------------------------------- */

static void
nbd_set_device (struct attachment *a, unsigned n)
{
  snprintf (a->name, sizeof a->name, "nbd%u", n);
  snprintf (a->path, sizeof a->path, "/dev/%s", a->name);
}

/* Say whether a device is attached and has a size, which comes a moment later;
 * or, if not wanted, that it is not attached.
 */
static bool
nbd_is_settled (const char *name, bool wanted)
{
  return wanted ? nbd_attached (name) && !nbd_has_no_size (name)
    : !nbd_attached (name);
}

static int
nbd_wait_attached (const char *name, bool wanted)
{
  int ms;

  for (ms = 0; !nbd_is_settled (name, wanted); ms += 50) {
    if (ms >= PATIENCE_MS)
      return fault ("nbd-client has said that it did, but /dev/%s is %s"
                    " attached", name, wanted ? "not" : "still");
    if (interrupt_pause (50) < 0)
      return -1;
  }
  return 0;
}

/* Say whether this process attached the device.  nbd-client may be told to
 * stop just when it is done.
 */
static bool
nbd_attached_by (const char *name, pid_t pid)
{
  FREED char *text = machine_sys (machine_root (), name, "pid");

  return text && pid > 0 && strtol (text, NULL, 10) == (long) pid;
}

/* Undo what nbd-client did, and keep the fault that is the reason.  Return -1.
 */
static int
nbd_take_back (const struct attachment *a)
{
  FREED char *why = must_copy (fault_text ());

  interrupt_defer (true);
  if (nbd_detach (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  return fault ("%s", why);
}

/* Attach a device.  1: somebody else was faster. */
static int
nbd_attach_one (struct attachment *a)
{
  struct program p;
  int r = nbd_client_words (&p, a);

  if (r == 0)
    r = program_run (&p);
  program_free (&p);
  if (a->dry)
    return r;
  if (r < 0 && nbd_attached_by (a->name, p.pid))
    return nbd_take_back (a);
  if (r < 0)
    return p.status > 0 && !nbd_is_free (a->name) ? 1 : -1;
  if (nbd_wait_attached (a->name, true) < 0)
    return nbd_take_back (a);
  attached_note_write (a->name, a->address.socket ? a->address.socket
                                 : a->uri, a->address.export);
  return 0;
}

/* Check that the device answers.  If not, detach it again and return 1, or -1
 * if another try is of no use, both with a fault.
 */
static int
nbd_check_answers (const struct attachment *a)
{
  FREED char *real = must_printf ("%s%s", machine_root (), a->path);
  FREED_BY (probe_end) struct probe p;
  int r = probe_begin (&p, real, a->block_size);

  if (r == 0)
    r = probe_wait (&p);
  if (r == 0)
    return 0;
  if (r > 0)
    fault ("%s does not answer on all of its %" PRIu64 " connections; try"
           " fewer", a->path, a->connections);
  nbd_take_back (a);
  interrupt_defer (false);
  /* It could not be detached, so it cannot be attached anew. */
  return nbd_attached (a->name) ? -1 : r;
}

/* Attach a device.  1: somebody else was faster. */
static int
nbd_attach_answering (struct attachment *a)
{
  int i, r;

  for (i = 0; i < ATTEMPTS; i++) {
    r = nbd_attach_one (a);
    if (r != 0 || a->dry || a->connections == 1)
      return r;
    r = nbd_check_answers (a);
    if (r <= 0)
      return r;
  }
  return -1;
}

static int
nbd_attach_named (struct attachment *a)
{
  int r;

  nbd_set_device (a, (unsigned) strtoul (a->device + 3, NULL, 10));
  r = nbd_is_free (a->name) ? nbd_attach_answering (a) : 1;
  return r > 0 ? fault ("%s is in use", a->path) : r;
}

/* Attach the first device that is free and that nobody else takes. */
static int
nbd_attach_free (struct attachment *a)
{
  unsigned n, tries;
  int r;

  for (n = tries = 0; tries < TRIES; n++) {
    nbd_set_device (a, n);
    if (nbd_is_free (a->name)) {
      tries++;
      r = nbd_attach_answering (a);
      if (r <= 0)
        return r;
    }
  }
  return -1;
}

int
nbd_attach (struct attachment *a)
{
  if (nbd_client_check (a) < 0 || nbd_load_module () < 0)
    return -1;
  return a->device ? nbd_attach_named (a) : nbd_attach_free (a);
}

int
nbd_detach (const char *name, bool dry)
{
  FREED_BY (program_free) struct program p = { .argc = 0 };
  int r;

  program_add (&p, "nbd-client", "-d", NULL);
  program_printf (&p, "/dev/%s", name);
  r = program_run (&p);
  if (dry)
    return r;
  /* The server, and the device with it, may have gone. */
  if (r < 0 && !nbd_attached (name))
    r = 0;
  if (r == 0)
    r = nbd_wait_attached (name, false);
  if (r == 0)
    attached_note_remove (name);
  return r;
}
