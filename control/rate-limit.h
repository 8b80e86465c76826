/* nbdkit-zram: which of many events to tell.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_RATE_LIMIT_H
#define ZRAM_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* A limit of one kind of event.  The first event passes, and then one for each
 * pause.  With one_line_a_burst only the first passes, until there was no
 * event for as long as a pause.  The caller locks it.
 */
struct rate_limit {
  uint64_t pause;               /* ns */
  bool one_line_a_burst;
  bool begun;
  uint64_t since;               /* when the pause began, ns */
  uint64_t held_back;           /* events since the last that passed */
};

/* Return whether an event is to be told, at `now', in ns of any monotonic
 * clock.  If so, *held_back says how many before it were not.
 */
extern bool rate_limit_pass (struct rate_limit *limit, uint64_t now,
                             uint64_t *held_back);

#endif /* ZRAM_RATE_LIMIT_H */
