/* nbdkit-zram: which of many events to tell.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "rate-limit.h"

bool
rate_limit_pass (struct rate_limit *limit, uint64_t now, uint64_t *held_back)
{
  bool pass = !limit->begun || now - limit->since >= limit->pause;

  if (pass || limit->one_line_a_burst)
    limit->since = now;
  limit->begun = true;
  if (!pass) {
    limit->held_back++;
    return false;
  }
  *held_back = limit->held_back;
  limit->held_back = 0;
  return true;
}
