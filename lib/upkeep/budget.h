/* nbdkit-zram: a share of one processor, and no more.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread tells what it has used, and learns how long to sleep until that
 * is no more than its share of the time that has passed.  What it did not
 * use is lost, but for a moment's worth: who was idle for an hour may not
 * work without a pause after it.
 */

#ifndef ZRAM_BUDGET_H
#define ZRAM_BUDGET_H

#include <stdint.h>

#define BUDGET_SAVED UINT64_C (2000000)         /* ns of work, at most */

struct budget {
  unsigned percent;             /* 1 to 100 */
  uint64_t since, used;         /* ns: when, and what had been used then */
};

/* Times are ns, of any two clocks; the first may jump.  Return how many ns to
 * sleep.
 */
static inline uint64_t
budget_debt (struct budget *b, uint64_t now, uint64_t used)
{
  uint64_t share, spent = used - b->used;

  if (now < b->since)
    b->since = now;
  share = (now - b->since) / 100 * b->percent;
  if (spent > share)
    return (spent - share) / b->percent * 100;
  if (share - spent > BUDGET_SAVED) {
    b->since = now - BUDGET_SAVED * 100 / b->percent;
    b->used = used;
  }
  return 0;
}

#endif /* ZRAM_BUDGET_H */
