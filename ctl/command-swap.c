/* nbdzramctl: swapon and swapoff.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "config-file.h"
#include "device-name.h"
#include "interrupt.h"
#include "machine.h"
#include "message.h"
#include "must.h"
#include "number-text.h"
#include "option.h"
#include "server-json.h"
#include "trust.h"

/* The default, as in zram-generator.  Swap on a disk usually has a negative
 * priority, and so is used later.
 */
#define PRIORITY "100"
#define PRIORITY_MAX 32767

static const char *const discards[] = { "both", "once", "pages", "none" };
#define N_DISCARDS (sizeof discards / sizeof discards[0])

static int
swap_check_discard (const char *when)
{
  size_t i;

  for (i = 0; i < N_DISCARDS; i++)
    if (!when || strcmp (when, discards[i]) == 0)
      return 0;
  return fault ("--discard %s: must be both, once, pages or none", when);
}

int
command_swapon_check (const struct options *o)
{
  if (option_check_number ("--priority", o->priority, 0, PRIORITY_MAX) < 0 ||
      swap_check_discard (o->discard) < 0)
    return -1;
  return attach_check (o);
}

/* --- Is it right to swap there? ------------------------------------------ */

/* Check that it is right to swap there.  --force skips this. */
static int
swap_check_server (const struct options *o, struct attachment *a,
                   const struct export *e)
{
  const char *name = a->address.export;
  FREED_BY (server_free) struct server s = { 0 };
  FREED char *missing = NULL;
  char text[SIZE_TEXT];
  device *d;

  if (nbd_uses_tls (o->uri))
    return fault ("%s: with TLS every page goes through a process that can"
                  " be swapped out itself; --force swaps there all the same",
                  o->uri);
  if (trust_check_private (a, e) < 0)
    return -1;
  d = server_load_device (o->uri, name, &s);
  if (!d)
    return -1;
  if (!e->swap && device_count (d, "orig_data_size"))
    return fault ("%s holds %s of data that is no swap; --force writes over"
                  " it", name,
                  size_text (device_count (d, "orig_data_size"), text));
  a->local |= server_same_kernel (&s);
  if (a->local && !device_swap_safe (d, &missing))
    return fault ("%s: the server is not ready for swap of its own machine"
                  " (%s), which can freeze; --force swaps there all the same",
                  name, missing);
  return 0;
}

/* --- Swapping ------------------------------------------------------------ */

static void
swap_add_discard (struct program *p, const char *when)
{
  if (strcmp (when, "both") == 0)
    program_add (p, "-d", NULL);
  else if (strcmp (when, "none") != 0)
    program_printf (p, "-d%s", when);
}

/* Make a swap area and swap there.  It has no label and no UUID: another boot
 * would look for it by them, when it is gone.
 */
static int
swap_make (const struct options *o, const char *path)
{
  const char *priority = o->priority ? o->priority : PRIORITY;
  FREED_BY (program_free) struct program make = { .argc = 0 };
  FREED_BY (program_free) struct program on = { .argc = 0 };

  program_add (&make, "mkswap", "-U", "clear", path, NULL);
  program_add (&on, "swapon", "-p", priority, NULL);
  swap_add_discard (&on, o->discard ? o->discard : discards[0]);
  program_add (&on, path, NULL);
  return program_run (&make) < 0 ? -1 : program_run (&on);
}

/* Set a number of the kernel to 0.  False: see errno. */
static bool
swap_write_zero (const char *path)
{
  FILE *fp = fopen (path, "we");
  bool ok = fp && fputs ("0\n", fp) >= 0;

  return fp && fclose (fp) == 0 && ok;
}

/* Set vm.watermark_boost_factor to 0.  After memory was fragmented the kernel
 * keeps some more MiB free for a while, so that the part that a real-time
 * server may use becomes too small for it to answer.
 */
static void
swap_calm_watermarks (const struct attachment *a)
{
  FREED char *path = must_printf ("%s/proc/sys/vm/watermark_boost_factor",
                                  machine_root ());
  FREED char *text = machine_text ("%s", path);
  unsigned factor = 0;

  /* Linux before 5.0 does not have it. */
  if (!text || sscanf (text, "%u", &factor) != 1 || !factor)
    return;
  if (a->dry)
    puts ("sysctl vm.watermark_boost_factor=0");
  else if (!swap_write_zero (path))
    complain ("%s is %u and cannot be made 0 (%s): short of memory, this"
              " machine may stand still", path, factor, strerror (errno));
}

static int swap_run_off (const char *name, bool dry);

/* Undo what was done, and keep the fault that is the reason.  Return -1. */
static int
swap_take_back (const struct attachment *a, bool was_attached)
{
  FREED char *why = must_copy (fault_text ());

  interrupt_defer (true);
  if (machine_swap (machine_root (), a->name, NULL) &&
      swap_run_off (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  else if (!was_attached && nbd_detach (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  return fault ("%s", why);
}

/* Prepare to swap to a device that is attached already.  It stays as it is if
 * that fails.
 */
static int
swap_plan_attached (const struct options *o, const char *name,
                    struct attachment *a, struct export *e)
{
  struct attached *list = attached_load (o->uri);
  FREED char *export = device_name_of (list, name);

  attached_free (list);
  if (!export || attach_plan (o, export, a, e) < 0)
    return -1;
  snprintf (a->name, sizeof a->name, "%s", nbd_name (name));
  snprintf (a->path, sizeof a->path, "/dev/%s", a->name);
  if (!machine_swap (machine_root (), a->name, NULL))
    return 0;
  address_free (&a->address);
  return fault ("%s is swap already", a->path);
}

static int
swap_plan (const struct options *o, const char *given, struct attachment *a,
           struct export *e)
{
  bool is_attached = given && nbd_name (given);

  if ((is_attached ? swap_plan_attached (o, given, a, e)
                   : attach_plan (o, given, a, e)) < 0)
    return -1;
  a->swap = true;
  return 0;
}

static int
swap_on (const struct options *o, struct attachment *a, const struct export *e)
{
  bool was_attached = *a->name;

  if (attach_check_writable (a, e) < 0)
    return -1;
  if (!o->force && swap_check_server (o, a, e) < 0)
    return -1;
  if (!was_attached && nbd_attach (a) < 0)
    return -1;
  if (a->local)
    swap_calm_watermarks (a);
  return swap_make (o, a->path) < 0 ? swap_take_back (a, was_attached) : 0;
}

int
command_swapon (const struct options *o, int argc, char **argv)
{
  FREED_BY (config_free) struct config c;
  struct options with;
  int r = config_take (o, command_swapon_check, &c, &with);

  if (r == EXIT_OK && config_check (&c, command_swapon_check) < 0)
    r = failed ();
  return r != EXIT_OK ? r
    : attach_run (&with, argc ? argv[0] : NULL, swap_plan, swap_on);
}

/* --- And back ------------------------------------------------------------ */

/* Explain why swapoff failed.  Status 2 means too little memory. */
static int
swap_fault_off (const char *name, const struct program *p)
{
  struct swap_use use = { 0, 0 };
  char text[SIZE_TEXT];

  machine_swap (machine_root (), name, &use);
  size_text (use.used * 1024, text);
  if (interrupt_came () && !p->stuck)
    return fault ("stopped by a signal: /dev/%s is still swap, with %s on it",
                  name, text);
  if (p->status == 2 || strstr (p->said, "Cannot allocate memory"))
    return fault ("not enough memory is free to take back the %s on /dev/%s,"
                  " which is still swap: end something or add other swap,"
                  " and try again", text, name);
  return fault ("%s: /dev/%s is still swap", fault_text (), name);
}

/* Check that there is room for what is swapped out.  The kernel would try
 * without, and kill processes, or wait for a server that cannot answer without
 * memory.
 */
static int
swap_check_room (const char *name)
{
  char taken[SIZE_TEXT], free_text[SIZE_TEXT];
  struct swap_use use;
  uint64_t room;

  if (!machine_swap (machine_root (), name, &use) ||
      !machine_room (machine_root (), &use, &room) || room >= use.used)
    return 0;
  return fault ("/dev/%s: %s are swapped out, and there is room for %s: end"
                " something or add other swap, and try again; --force tries"
                " all the same", name, size_text (use.used * 1024, taken),
                size_text (room * 1024, free_text));
}

/* Run swapoff.  It is refused while another swapoff is at work, as systemd's
 * at shutdown; that one may yet fail, so wait and try again.
 */
static int
swap_run_off (const char *name, bool dry)
{
  bool told = false;

  while (machine_swap (machine_root (), name, NULL)) {
    struct program p = { .patient = true };
    int r;

    program_add (&p, "swapoff",
                 program_keep (&p, must_printf ("/dev/%s", name)), NULL);
    r = program_run (&p);
    program_free (&p);
    if (dry)
      return r;
    if (!machine_swap (machine_root (), name, NULL))
      return 0;
    if (r < 0 && !strstr (p.said, "Invalid argument"))
      return swap_fault_off (name, &p);
    if (!told)
      complain ("/dev/%s: another swapoff is at work; waiting for it", name);
    told = true;
    if (interrupt_pause (200) < 0)
      return swap_fault_off (name, &p);
  }
  return 0;
}

static int
swap_off_one (const struct options *o, const char *name)
{
  int r = 0;

  if (machine_swap (machine_root (), name, NULL)) {
    r = o->force ? 0 : swap_check_room (name);
    if (r == 0)
      r = swap_run_off (name, o->dry_run);
    /* The long part is over: finish the rest even if a signal comes. */
    interrupt_defer (r == 0);
    if (r == 0)
      attach_forget (name);
  }
  if (r == 0)
    r = nbd_detach (name, o->dry_run);
  interrupt_defer (false);
  return r;
}

int
command_swapoff (const struct options *o, int argc, char **argv)
{
  return attach_undo (o, argc, argv, attached_names, swap_off_one);
}
