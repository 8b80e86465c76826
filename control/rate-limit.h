/* nbdkit-zram: which of many events to tell.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_RATE_LIMIT_H
#define ZRAM_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Which of a stream of events to log.  A burst lets its first event pass,
 * and so does each `pause' after that, except where the burst is to be
 * one line however long it lasts: until there was no event for `pause'.
 * Not locked.
 */
struct rate_limit {
  uint64_t pause;               /* ns */
  bool one_line_a_burst;
  bool begun;
  uint64_t since;               /* when the pause began, ns */
  uint64_t held_back;           /* events since the last that passed */
};

/* An event at `now', ns of any monotonic clock.  If it is to be logged,
 * *held_back says how many before it were not.
 */
extern bool rate_limit_pass (struct rate_limit *limit, uint64_t now,
                             uint64_t *held_back);

#endif /* ZRAM_RATE_LIMIT_H */
