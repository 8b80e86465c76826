/* nbdzramctl: some of the data of a file or of a process's memory.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ESTIMATE_SAMPLE_H
#define ESTIMATE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* A sample is made of runs of so many bytes (as many as the largest page),
 * spread evenly over the whole.
 */
#define SAMPLE_RUN 65536

struct sample {
  unsigned char *data;
  size_t length;                /* a multiple of 4096, filled with zeroes */
  size_t room;                  /* bytes mapped at data */
  uint64_t whole;               /* bytes that there are, with holes */
  uint64_t data_bytes;          /* bytes that it stands for: no holes */
};

/* Take a sample of a file, at most max bytes.  -1 with a fault. */
extern int sample_file (const char *path, uint64_t max, struct sample *s);

/* Take a sample of what a process could swap out: the anonymous memory that it
 * has now.  What is swapped out already is not read.  -1 with a fault.
 */
extern int sample_process (const char *pid, uint64_t max, struct sample *s);

extern void sample_free (struct sample *s);

#endif /* ESTIMATE_SAMPLE_H */
