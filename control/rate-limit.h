/* nbdkit-zram: limiting how many events are logged.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_RATE_LIMIT_H
#define ZRAM_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The limit for one kind of event.  The first event passes, and then one in
 * each pause.  With one_line_a_burst only the first event passes, until there
 * was no event for a whole pause.  The caller locks it.
 */
struct rate_limit {
  uint64_t pause;               /* ns */
  bool one_line_a_burst;
  bool begun;
  uint64_t since;               /* when the pause began, ns */
  uint64_t held_back;           /* events since the last that passed */
};

/* Return whether to log an event that happens at `now', in ns of any monotonic
 * clock.  If so, write to *held_back how many events before it were not logged.
 */
extern bool rate_limit_pass (struct rate_limit *limit, uint64_t now,
                             uint64_t *held_back);

#endif /* ZRAM_RATE_LIMIT_H */
