/* nbdzramctl: running other programs.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef SUBPROCESS_H
#define SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on print programs instead of running them, or run them again. */
extern void program_dry_run (bool on);

/* How many words a program can have: all settings of 64 devices fit. */
enum { ARGV_MAX = 1024 };
struct program {
  const char *argv[ARGV_MAX + 1];
  char *kept[ARGV_MAX];
  int argc, n_kept;
  bool patient;                 /* no limit of time */
  /* After program_run: */
  pid_t pid;
  int status;                   /* exit status; -1: it has none */
  bool overdue;                 /* it was ended because it took too long */
  bool stuck;                   /* it could not be killed */
  char said[256];               /* its last words, safe to print */
};

/* Add words; NULL ends them.  They must live as long as the program. */
extern void program_add (struct program *p, ...)
  __attribute__ ((sentinel));
/* Add a word that is made as by printf; program_free frees it. */
extern void program_printf (struct program *p, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
/* Let program_free free a word.  Return it. */
extern const char *program_keep (struct program *p, char *word);
extern void program_free (struct program *p);

/* Find the program in PATH or in the directories of root's tools, run it
 * without a shell and without input, and wait for it.  It is ended after some
 * time, unless it is patient.  In a dry run only print it.  -1 with a fault if
 * it does not end with status 0, or if a signal came.
 */
extern int program_run (struct program *p);

/* Print the words so that a shell reads them as they are. */
extern void program_print (const struct program *p);

#endif /* SUBPROCESS_H */
