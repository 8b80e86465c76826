/* nbdzramctl: what several options have in common.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>

#include "message.h"
#include "number.h"
#include "option.h"

int
option_check_number (const char *name, const char *text, uint64_t min,
                     uint64_t max)
{
  uint64_t n;

  if (text && (number_count (text, 0, &n) < 0 || n < min || n > max))
    return fault ("%s %s: must be a number from %" PRIu64 " to %" PRIu64,
                  name, text, min, max);
  return 0;
}
