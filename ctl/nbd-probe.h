/* nbdzramctl: does an nbd device answer on all of its connections?
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Between interrupt_begin and interrupt_end.
 */

#ifndef NBD_PROBE_H
#define NBD_PROBE_H

#include <stddef.h>
#include <sys/types.h>

/* A process that reads.  It may hang in the kernel. */
struct probe {
  pid_t pid;
  const char *path;             /* the caller's, until probe_end */
};

/* Begin to read so many bytes, at most 4096, on each processor.  -1 with a
 * fault.
 */
extern int probe_begin (struct probe *p, const char *path, size_t bytes);

/* Wait for it.  0: all was read; 1: something was not, within 3 s; -1 with a
 * fault: it cannot be read, or a signal came.
 */
extern int probe_wait (struct probe *p);

/* Kill the process.  It cannot end while its requests are not answered, unless
 * the device is detached; one that does not end is left to itself.
 */
extern void probe_end (struct probe *p);

#endif /* NBD_PROBE_H */
