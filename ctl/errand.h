/* nbdzramctl: a command of the server that takes long.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A process of its own sends it and waits for the answer, which may come
 * hours later.  So the tool can meanwhile ask the server how it gets on, and
 * notice if it does not answer at all.  The process ends with the tool.
 */

#ifndef ERRAND_H
#define ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct errand {
  pid_t pid;
  int fd;                       /* what the process says comes from there */
  char *said;
  size_t n;
};

/* Send the command.  -1 with a fault. */
extern int errand_start (struct errand *e, const char *uri,
                         const char *command);

/* Wait some milliseconds for the answer.  True: it is there, or none will
 * come.
 */
extern bool errand_wait (struct errand *e, int ms);

/* End it, and get the payload of the answer as client_command does.  To be
 * freed.  -1 with a fault.
 */
extern int errand_end (struct errand *e, char **payload);

/* End it without an answer. */
extern void errand_cancel (struct errand *e);

#endif /* ERRAND_H */
