/* nbdzramctl: what went wrong, and saying it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whatever fails remembers one line with fault and returns -1.  Whoever runs
 * the command prints it.  A line may quote anything: control characters are
 * shown as \xNN, and too long a line loses its middle.
 */

#ifndef MESSAGE_H
#define MESSAGE_H

#define PROGRAM "nbdzramctl"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

/* Remember a line as the fault of this thread, and return -1.  It may quote the
 * fault before it.
 */
extern int fault (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* Return the last fault of this thread. */
extern const char *fault_text (void);

/* Print a line to stderr, with the program's name before it. */
extern void complain (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* Print the fault, and return EXIT_FAILED. */
extern int failed (void);

/* Print a line, and return EXIT_USAGE. */
extern int usage (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

#endif /* MESSAGE_H */
