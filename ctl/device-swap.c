/* nbdzramctl: is it safe to swap to a device?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "device-swap.h"
#include "must.h"
#include "number-text.h"

char *
device_swap_line (device *d, bool bytes)
{
  char ready[SIZE_TEXT], reserve[SIZE_TEXT];
  FREED char *word = device_text (d, "swap"), *missing = NULL;
  bool safe = device_swap_safe (d, &missing);

  if (!word)
    return must_copy ("not known to this server");
  if (strcmp (word, "off") == 0)
    return must_copy ("off");
  return must_printf (
    "%s%s%s; %s ready of a reserve of %s", word, safe ? "" : ", ",
    safe ? "" : missing,
    size_or_bytes (device_count (d, "memory.ready"), bytes, ready),
    size_or_bytes (device_count (d, "swap_reserve"), bytes, reserve));
}
