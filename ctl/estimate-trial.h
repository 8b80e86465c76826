/* nbdzramctl: one way of compressing, tried on a sample.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ESTIMATE_TRIAL_H
#define ESTIMATE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "estimate-sample.h"

struct trial {
  const char *codec;            /* static */
  bool has_level;
  int level;
  uint32_t page_size;

  /* The results. */
  uint64_t compressed;          /* bytes, of the whole */
  uint64_t held;
  uint64_t day;                 /* held after a day in which nobody used it;
                                   0: not known */
  uint64_t write_ns, read_ns;   /* a page */
};

enum { TRIALS_MAX = 256 };

/* List the trials for codecs, "zstd:3,lz4", and page sizes, "4K,64K"; NULL:
 * those that make sense.  Return how many there are, or -1 with a fault.
 */
extern int trials_plan (const char *codecs, const char *page_sizes,
                        struct trial trials[TRIALS_MAX]);

/* Do one trial, and with tend find out what upkeep makes of it.  progress is
 * called now and then with the part that is done, from 0 to 1.  -1 with a
 * fault.
 */
typedef void progress_fn (void *opaque, double part);
extern int trial_run (struct trial *t, bool tend, const struct sample *s,
                      progress_fn *progress, void *opaque);

#endif /* ESTIMATE_TRIAL_H */
