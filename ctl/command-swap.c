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
#include "number.h"
#include "trust.h"

/* As zram-generator: used before any swap on a disk, whose priority is
 * negative.
 */
#define PRIORITY "100"
#define PRIORITY_MAX 32767

static const char *const discards[] = { "both", "once", "pages", "none" };

int
command_swapon_check (const struct options *o)
{
  uint64_t n;
  size_t i;

  if (o->priority && (number_count (o->priority, 0, &n) < 0 ||
                      n > PRIORITY_MAX))
    return fault ("--priority %s: must be a number from 0 to %d",
                  o->priority, PRIORITY_MAX);
  for (i = 0; o->discard && strcmp (o->discard, discards[i]) != 0; )
    if (++i == sizeof discards / sizeof discards[0])
      return fault ("--discard %s: must be both, once, pages or none",
                    o->discard);
  return attach_check (o);
}

/* --- Is it right to swap there? ------------------------------------------ */

/* Check that it is right to swap there.  --force skips this. */
static int
swap_check_server (const struct options *o, struct attachment *a,
                   const struct export *e)
{
  const char *name = a->address.export;
  char text[SIZE_TEXT], *missing = NULL;
  struct server s;
  device *d;
  int r = 0;

  if (nbd_uses_tls (o->uri))
    return fault ("%s: with TLS every page goes through a process that can"
                  " be swapped out itself; --force swaps there all the same",
                  o->uri);
  if (trust_check_private (a, e) < 0 || server_load (o->uri, &s) < 0)
    return -1;
  a->local |= server_same_kernel (&s);
  d = server_find (&s, name);
  if (!d)
    r = fault ("%s: there is no such device", name);
  else if (!e->swap && device_count (d, "orig_data_size"))
    r = fault ("%s holds %s of data that is no swap; --force writes over it",
               name, size_text (device_count (d, "orig_data_size"), text));
  else if (a->local && !device_swap_safe (d, &missing))
    r = fault ("%s: the server is not ready for swap of its own machine"
               " (%s), which can freeze; --force swaps there all the same",
               name, missing);
  free (missing);
  server_free (&s);
  return r;
}

/* --- Swapping ------------------------------------------------------------ */

/* Make a swap area and swap there.  It has no label and no UUID: another boot
 * would look for it by them, when it is gone.
 */
static int
swap_make (const struct options *o, const char *path)
{
  const char *discard = o->discard ? o->discard : discards[0];
  struct program make = { .argc = 0 }, on = { .argc = 0 };

  program_add (&make, "mkswap", "-U", "clear", path, NULL);
  if (program_run (&make) < 0)
    return -1;
  program_add (&on, "swapon", "-p", o->priority ? o->priority : PRIORITY,
               NULL);
  if (strcmp (discard, "both") == 0)
    program_add (&on, "-d", NULL);
  else if (strcmp (discard, "none") != 0)
    program_add (&on, program_keep (&on, must_printf ("-d%s", discard)),
                 NULL);
  program_add (&on, path, NULL);
  if (program_run (&on) == 0) {
    program_free (&on);
    return 0;
  }
  program_free (&on);
  return -1;
}

/* Set vm.watermark_boost_factor to 0.  After memory was fragmented the kernel
 * keeps some more MiB free for a while, so that the part that a real-time
 * server may use becomes too small for it to answer.
 */
static void
swap_calm_watermarks (const struct attachment *a)
{
  char *path = must_printf ("%s/proc/sys/vm/watermark_boost_factor",
                            machine_root ());
  FILE *fp = fopen (path, "re");
  unsigned factor = 0;
  bool ok = true;

  /* Linux before 5.0 does not have it. */
  if (fp && fscanf (fp, "%u", &factor) != 1)
    factor = 0;
  if (fp)
    fclose (fp);
  if (factor && a->dry)
    puts ("sysctl vm.watermark_boost_factor=0");
  else if (factor) {
    fp = fopen (path, "we");
    ok = fp && fputs ("0\n", fp) >= 0;
    ok = fp && fclose (fp) == 0 && ok;
  }
  if (!ok)
    complain ("%s is %u and cannot be made 0 (%s): short of memory, this"
              " machine may stand still", path, factor, strerror (errno));
  free (path);
}

static int swap_run_off (const char *name, bool dry);

/* Undo what was done, and keep the fault that is the reason. */
static void
swap_take_back (const struct attachment *a, bool was_attached)
{
  char *why = must_copy (fault_text ());

  interrupt_defer (true);
  if (machine_swap (machine_root (), a->name, NULL) &&
      swap_run_off (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  else if (!was_attached && nbd_detach (a->name, a->dry) < 0)
    complain ("%s", fault_text ());
  fault ("%s", why);
  free (why);
}

/* Prepare to swap to a device that is attached already.  It stays as it is if
 * that fails.
 */
static int
swap_plan_attached (const struct options *o, const char *name,
                    struct attachment *a, struct export *e)
{
  struct attached *list = attached_load (o->uri);
  char *export = device_name_of (list, name);
  int r = export ? attach_plan (o, export, true, a, e) : -1;

  free (export);
  attached_free (list);
  if (r < 0)
    return -1;
  snprintf (a->name, sizeof a->name, "%s", nbd_name (name));
  snprintf (a->path, sizeof a->path, "/dev/%s", a->name);
  if (machine_swap (machine_root (), a->name, NULL)) {
    address_free (&a->address);
    return fault ("%s is swap already", a->path);
  }
  return 0;
}

static int
swap_on (const struct options *o, const char *given)
{
  bool is_attached = given && nbd_name (given);
  struct attachment a;
  struct export e;
  int r = attach_begin (o);

  if (r == 0)
    r = is_attached ? swap_plan_attached (o, given, &a, &e)
                    : attach_plan (o, given, true, &a, &e);
  if (r < 0)
    return -1;
  if (e.read_only)
    r = fault ("%s: the server lets nobody write", a.address.export);
  if (r == 0 && !o->force)
    r = swap_check_server (o, &a, &e);
  if (r == 0 && !is_attached)
    r = nbd_attach (&a);
  if (r == 0) {
    if (a.local)
      swap_calm_watermarks (&a);
    r = swap_make (o, a.path);
    if (r < 0)
      swap_take_back (&a, is_attached);
  }
  if (r == 0 && !o->dry_run)
    puts (a.path);
  address_free (&a.address);
  return r;
}

int
command_swapon (const struct options *o, int argc, char **argv)
{
  struct options with = *o;
  struct config c;
  int r;

  if (command_swapon_check (o) < 0)
    return usage ("%s", fault_text ());
  if (config_read (o->config, &c) < 0)
    return failed ();
  config_options (&c, &with);
  if (config_check (&c, command_swapon_check) < 0)
    r = failed ();
  else {
    r = swap_on (&with, argc ? argv[0] : NULL) < 0 ? failed () : EXIT_OK;
    interrupt_end ();
  }
  config_free (&c);
  return r;
}

/* --- And back ------------------------------------------------------------ */

/* Explain why swapoff failed.  Status 2 means too little memory. */
static int
swap_fault_off (const char *name, const struct program *p)
{
  char text[SIZE_TEXT], *why;
  struct swap_use use = { 0, 0 };

  machine_swap (machine_root (), name, &use);
  size_text (use.used * 1024, text);
  if (interrupt_came () && !p->stuck)
    return fault ("stopped by a signal: /dev/%s is still swap, with %s on it",
                  name, text);
  if (p->status == 2 || strstr (p->said, "Cannot allocate memory"))
    return fault ("not enough memory is free to take back the %s on /dev/%s,"
                  " which is still swap: end something or add other swap,"
                  " and try again", text, name);
  why = must_copy (fault_text ());
  fault ("%s: /dev/%s is still swap", why, name);
  free (why);
  return -1;
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
