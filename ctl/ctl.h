/* nbdzramctl: what its files share.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The tool is one command a run: main.c turns the command line into struct
 * options and calls one function of the table there; that function returns
 * the exit status.  What goes wrong below it is said with fault, which
 * remembers one line of this thread; whoever runs the command prints it.
 */

#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRAM "nbdzramctl"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

/* What the options say; NULL, 0 or false where one was not given. */
struct options {
  const char *uri;              /* never NULL once the command runs */
  const char *algorithm, *size, *streams, *params;
  const char *output;
  const char *pid, *sample, *page_size, *interval;
  const char *device, *connections, *nbd_timeout;
  const char *timeout, *priority, *discard, *config;
  const char *threads, *max_clients;    /* only a file says these */
  const char *fs_type, *mount_point, *mount_options;
  bool bytes, find, noheadings, output_all, raw, json, reset;
  bool force, once, dry_run, check;
  bool uri_given;               /* uri is not the default */
};

/* A command gets what follows its name.  It returns an exit status. */
typedef int command_fn (const struct options *o, int argc, char **argv);

extern command_fn command_list;         /* table.c: no command given */
extern command_fn command_stat;         /* stat.c */
extern command_fn command_get, command_set; /* commands.c */
extern command_fn command_add, command_remove, command_reset;
extern command_fn command_compact, command_prometheus;
extern command_fn command_top;          /* top.c */
extern command_fn command_estimate;     /* estimate.c */

extern command_fn command_attach, command_detach; /* attach.c */
extern command_fn command_swapon, command_swapoff; /* swap.c */
extern command_fn command_mount, command_unmount; /* mount.c */
extern command_fn command_serve;        /* serve.c */

/* zramctl's way to say it (setup.c): -f, DEVICE -s, DEVICE -a. */
extern command_fn setup_find, setup_device;

/* fault.c: remember what went wrong, one line, and return -1. */
extern int fault (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
extern const char *fault_text (void);

/* Print a line with the program's name before it, or the fault. */
extern void complain (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
extern int failed (void);       /* prints the fault; EXIT_FAILED */
extern int usage (const char *format, ...)      /* EXIT_USAGE */
  __attribute__ ((format (printf, 1, 2)));

/* What came from a server may be anything: make it printable ASCII, with
 * \xNN for the rest.  To be freed.  NULL: no memory.
 */
extern char *text_escape (const char *text);
/* The same to a file, keeping newlines and tabs. */
extern void text_put (FILE *fp, const char *text, size_t length);

/* As malloc and its kin, but never NULL: without memory the tool ends. */
extern void *must_alloc (size_t n, size_t size);
extern char *must_copy (const char *text);
extern char *must_printf (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

#endif /* CTL_H */
