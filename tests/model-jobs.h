/* nbdkit-zram: what upkeep does all the while in the test of the model.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef MODEL_JOBS_H
#define MODEL_JOBS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "zram.h"

struct jobs {
  struct zram_disk *disk;
  _Atomic bool over;
  bool trains;
  uint64_t trained, used;       /* dictionaries */
  uint64_t recompressed;        /* pages */
  pthread_t trainer, recompressor;
};

/* Recompress the disk's pages with one codec after another and, if it trains,
 * change its dictionary, until jobs_end.
 */
extern void jobs_start (struct jobs *jobs, struct zram_disk *disk,
                        bool trains);
extern void jobs_end (struct jobs *jobs);

#endif /* MODEL_JOBS_H */
