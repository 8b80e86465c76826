/* nbdkit-zram: a part of this machine's memory, as people write it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stddef.h>

#include "number.h"
#include "os.h"
#include "ram-share.h"

const char *
ram_share_parse (const char *value, uint64_t *bytes)
{
  unsigned percent;

  if (number_percent (value, 100, &percent) < 0)
    return "a percentage of the RAM is a whole number from 1% to 100%";
  *bytes = number_share (os_ram (), percent);
  return *bytes ? NULL : "this system does not tell how much RAM it has; give"
    " a number of bytes";
}
