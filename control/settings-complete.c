/* nbdkit-zram: what can be said of one device: values that depend on others.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "dictionary-file.h"
#include "settings.h"

/* The default reserve: enough to write to while the thread that fills it wakes
 * up and finds memory; not more than is reasonable on a small machine; and not
 * much of a limit, which is there for data.
 */
#define RESERVE_OF_SIZE 32
#define RESERVE_MIN (UINT64_C (16) << 20)
#define RESERVE_MAX (UINT64_C (64) << 20)
#define RESERVE_OF_LIMIT 4

static uint64_t
settings_reserve (const struct zram_params *p)
{
  uint64_t n = p->size / RESERVE_OF_SIZE;

  n = n < RESERVE_MIN ? RESERVE_MIN : n > RESERVE_MAX ? RESERVE_MAX : n;
  if (p->mem_limit && n > p->mem_limit / RESERVE_OF_LIMIT)
    n = p->mem_limit / RESERVE_OF_LIMIT;
  return n < p->size ? n : p->size;
}

static int
settings_complete_swap (struct settings *s, char message[SETTINGS_MESSAGE_MAX])
{
  struct zram_params *p = &s->params;
  const char *reserve = s->given[SETTING_SWAP_RESERVE];

  if (!reserve) {
    p->swap_reserve = p->swap ? settings_reserve (p) : 0;
    return 0;
  }
  if (!p->swap)
    return settings_refuse (message, "swap-reserve", reserve,
                            "only with swap=true");
  if (p->swap_reserve > p->size)
    return settings_refuse (message, "swap-reserve", reserve, "larger than"
                            " the disk, size=%s", s->given[SETTING_SIZE]);
  if (p->mem_limit && p->swap_reserve > p->mem_limit / 2)
    return settings_refuse (message, "swap-reserve", reserve, "more than"
                            " half of mem-limit=%s, of which it is a part",
                            s->given[SETTING_MEM_LIMIT]);
  return 0;
}

static int
settings_complete_upkeep (struct settings *s,
                          char message[SETTINGS_MESSAGE_MAX])
{
  const char *given = s->given[SETTING_UPKEEP];
  struct zram_params *p = &s->params;
  char why[ZRAM_MESSAGE_MAX];

  if (!given)
    p->upkeep = zram_upkeep_usual ();
  else if (p->upkeep.on && p->swap)
    return settings_refuse (message, "upkeep", given, "not with swap=true:"
                            " it would take memory when there is none");
  else if (zram_params_check (p, why) < 0)
    return settings_refuse (message, "upkeep", given, "%s", why);
  return 0;
}

/* Read the file, and let the engine look at what it holds. */
static int
settings_complete_dictionary (struct settings *s,
                              char message[SETTINGS_MESSAGE_MAX])
{
  const char *file = s->given[SETTING_DICTIONARY];
  struct zram_params *p = &s->params;
  char why[ZRAM_MESSAGE_MAX];

  if (p->dictionary != ZRAM_DICTIONARY_GIVEN)
    return 0;
  s->dictionary = dictionary_file_read (file, &p->dictionary_bytes, why);
  p->dictionary_data = s->dictionary;
  if (s->dictionary && zram_params_check (p, why) == 0)
    return 0;
  return settings_refuse (message, "dictionary", file, "%s", why);
}

void
settings_free (struct settings *s)
{
  free (s->dictionary);
  s->dictionary = NULL;
  s->params.dictionary_data = NULL;
}

int
settings_complete (struct settings *s, char message[SETTINGS_MESSAGE_MAX])
{
  struct zram_params others;
  char why[ZRAM_MESSAGE_MAX];

  if (!s->given[SETTING_SIZE]) {
    snprintf (message, SETTINGS_MESSAGE_MAX,
              "how large is the disk to be?  size=SIZE is required,"
              " for example size=2G");
    return -1;
  }
  s->params.algo = s->given[SETTING_ALGO] ? s->algo : NULL;
  if (settings_complete_late (s, message) < 0)
    return -1;
  others = s->params;
  others.dictionary = ZRAM_DICTIONARY_OFF;
  others.upkeep.on = false;
  if (zram_params_check (&others, why) < 0) {
    if (s->params.level == INT_MAX || s->params.level == INT_MIN) {
      enum setting n = s->given[SETTING_LEVEL] ? SETTING_LEVEL : SETTING_ALGO;

      return settings_refuse (message, settings_key (n), s->given[n], "%s",
                              why);
    }
    snprintf (message, SETTINGS_MESSAGE_MAX, "%s", why);
    return -1;
  }
  if (settings_complete_swap (s, message) < 0 ||
      settings_complete_upkeep (s, message) < 0)
    return -1;
  return settings_complete_dictionary (s, message);
}
