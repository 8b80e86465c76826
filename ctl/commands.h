/* nbdzramctl: the commands, and the options that they get.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The tool runs one command: main.c turns the command line into struct
 * options and calls one function of its table, which returns the exit status.
 */

#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

/* What the options say; NULL or false where one was not given. */
struct options {
  const char *uri;              /* never NULL once the command runs */
  const char *algorithm, *size, *streams, *params;
  const char *output;
  const char *pid, *sample, *page_size, *interval;
  const char *device, *connections, *nbd_timeout;
  const char *timeout, *priority, *discard, *config;
  const char *threads, *max_clients;    /* only a file sets these */
  const char *fs_type, *mount_point, *mount_options;
  const char *type, *threshold, *max_pages;
  bool bytes, find, noheadings, output_all, raw, json, reset;
  bool force, once, dry_run, check;
  bool uri_given;               /* by the user: it is not the default */
};

/* Run a command with the words after its name.  Return an exit status. */
typedef int command_fn (const struct options *o, int argc, char **argv);

/* command-list.c: no command was given. */
extern command_fn command_list;
/* command-stat.c */
extern command_fn command_stat;
/* command-attribute.c */
extern command_fn command_get, command_set, command_prometheus;
/* command-device.c */
extern command_fn command_add, command_remove, command_reset;
extern command_fn command_compact;
/* command-recompress.c */
extern command_fn command_recompress;
/* command-setup.c: as zramctl says it: -f, DEVICE -s, DEVICE -a. */
extern command_fn command_find, command_setup;
/* command-top.c */
extern command_fn command_top;
/* command-estimate.c */
extern command_fn command_estimate;
/* command-attach.c */
extern command_fn command_attach, command_detach;
/* command-swap.c */
extern command_fn command_swapon, command_swapoff;
/* command-mount.c */
extern command_fn command_mount, command_unmount;
/* command-serve.c */
extern command_fn command_serve;

/* Check the options of swapon, and of mount, that a user can get wrong.  -1
 * with a fault.
 */
extern int command_swapon_check (const struct options *o);
extern int command_mount_check (const struct options *o);

#endif /* COMMANDS_H */
