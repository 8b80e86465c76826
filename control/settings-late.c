/* nbdkit-zram: late=, of which the default and the range depend on others.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <strings.h>

#include "number.h"
#include "settings.h"

#define LATE_MAX (UINT64_C (1) << 30)

int
settings_parse_late (struct settings *settings, const char *key,
                     const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  static const char range[] = "off, or from one page to 1G";
  uint64_t n = 0;

  if (strcasecmp (value, "off") != 0 &&
      number_size (value, 0, &n) == -EINVAL)
    return settings_refuse (message, key, value, "not understood; must be %s,"
                            " " NUMBER_SIZES, range);
  if (n > LATE_MAX)
    return settings_refuse (message, key, value, "too large; must be %s",
                            range);
  settings->params.late = n;
  return 0;
}

/* The default of late: a list that is worth its memory on a disk of any size,
 * and a small part of it and of its limit.
 */
#define LATE_DEFAULT (UINT64_C (4) << 20)
#define LATE_OF_SIZE 16
#define LATE_OF_LIMIT 8

static uint64_t
settings_late (const struct zram_params *p, uint64_t page)
{
  uint64_t n = p->size / LATE_OF_SIZE;

  n = n < LATE_DEFAULT ? n : LATE_DEFAULT;
  if (p->mem_limit && n > p->mem_limit / LATE_OF_LIMIT)
    n = p->mem_limit / LATE_OF_LIMIT;
  return p->swap || n < page ? 0 : n;
}

int
settings_complete_late (struct settings *s, char message[SETTINGS_MESSAGE_MAX])
{
  struct zram_params *p = &s->params;
  const char *late = s->given[SETTING_LATE];
  uint64_t page = p->page_size ? p->page_size : ZRAM_PAGE_MIN;

  if (!late) {
    p->late = settings_late (p, page);
    return 0;
  }
  if (p->late && p->swap)
    return settings_refuse (message, "late", late, "must be off with"
                            " swap=true: what is swapped out is hardly ever"
                            " written again soon");
  if (p->late && p->late < page)
    return settings_refuse (message, "late", late, "less than a page, which"
                            " has %" PRIu64 " bytes; must be off, or from"
                            " one page to 1G", page);
  if (p->mem_limit && p->late > p->mem_limit / 2)
    return settings_refuse (message, "late", late, "more than half of"
                            " mem-limit=%s, of which it is a part",
                            s->given[SETTING_MEM_LIMIT]);
  return 0;
}
