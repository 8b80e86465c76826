/* nbdkit-zram: a codec and its level as people write them, zstd:3.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "algorithm.h"
#include "number.h"

int
algorithm_parse (const char *text, struct algorithm *a)
{
  size_t n = strcspn (text, ":");
  const char *level = text[n] ? text + n + 1 : NULL;

  *a = (struct algorithm) { .has_level = level };
  if (n >= sizeof a->name)
    n = sizeof a->name - 1;
  memcpy (a->name, text, n);
  return level && number_integer (level, &a->level) == -EINVAL ? -EINVAL : 0;
}
