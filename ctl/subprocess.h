/* nbdzramctl: running other programs, and ending in between only where it
 * leaves nothing half done.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef SUBPROCESS_H
#define SUBPROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* From here to interrupt_end, a signal that would end the tool is remembered,
 * and ends what it is waiting for.
 */
extern void interrupt_begin (bool dry_run);
/* Dies of the signal, if one came. */
extern void interrupt_end (void);
extern bool interrupt_came (void);
/* One is there that was not looked at yet.  For handlers of signals. */
extern bool interrupt_pending (void);
/* The same as a fault, -1, unless something is taken back just now. */
extern int interrupt_check (void);
/* Whether what comes now is done to its end, because it takes something
 * back.
 */
extern void interrupt_defer (bool on);

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

/* Sleep some milliseconds; -1 with a fault if a signal came. */
extern int interrupt_pause (unsigned ms);

/* As the shell reads it. */
extern void program_print (const struct program *p);

#endif /* SUBPROCESS_H */
