/* nbdzramctl: running other programs.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef SUBPROCESS_H
#define SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Only print programs from now on, or run them. */
extern void program_dry_run (bool on);

enum { ARGV_MAX = 32 };
struct program {
  const char *argv[ARGV_MAX + 1];
  char *kept[ARGV_MAX];
  int argc, n_kept;
  bool patient;                 /* it takes as long as it takes */
  /* After program_run: */
  pid_t pid;
  int status;                   /* exit status; -1: it has none */
  bool overdue;                 /* it was ended because it took too long */
  bool stuck;                   /* it runs on, whatever is done */
  char said[256];               /* its last words, safe to print */
};

/* Words; NULL ends them. */
extern void program_add (struct program *p, ...)
  __attribute__ ((sentinel));
/* A word that program_free shall free; returns it. */
extern const char *program_keep (struct program *p, char *word);
extern void program_free (struct program *p);

/* Find it in PATH, or in the directories of root's tools, run it without a
 * shell, with nothing to read, and wait for it, but never without end: see
 * patient.  In a dry run print it.  -1 with a fault if it does not end with
 * status 0, or if a signal came.
 */
extern int program_run (struct program *p);

/* As the shell reads it. */
extern void program_print (const struct program *p);

#endif /* SUBPROCESS_H */
