/* nbdkit-zram: upkeep as people write it, auto,idle-min=30m.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "quote.h"
#include "upkeep-setting.h"

#define TEXT_MAX 512

/* A time, from the largest unit down. */
static const struct {
  char letter;
  unsigned seconds;
} times[] = {
  { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

static int
number_time (const char *text, uint64_t *seconds)
{
  char digits[32];
  size_t n = strlen (text), i;
  int r;

  if (n < 2 || n > sizeof digits)
    return -EINVAL;
  memcpy (digits, text, n - 1);
  digits[n - 1] = '\0';
  for (i = 0; i < sizeof times / sizeof times[0]; i++)
    if (times[i].letter == text[n - 1]) {
      r = number_count (digits, 0, seconds);
      return r < 0 ? r
        : __builtin_mul_overflow (*seconds, times[i].seconds, seconds)
        ? -ERANGE : 0;
    }
  return -EINVAL;
}

static int
number_parts (const char *text, uint64_t *percent)
{
  unsigned n = 0;
  int r = number_percent (text, 100, &n);

  *percent = n;
  return r;
}

static int
number_bytes (const char *text, uint64_t *bytes)
{
  return number_size (text, 0, bytes);
}

static int
number_plain (const char *text, uint64_t *n)
{
  return number_count (text, 0, n);
}

static const struct {
  int (*parse) (const char *text, uint64_t *n);
  const char *what;
} units[] = {
  [ZRAM_UPKEEP_SECONDS] = { number_time, "a time, for example 90s, 30m, 6h"
                            " or 2d," },
  [ZRAM_UPKEEP_PERCENT] = { number_parts, "a percentage" },
  [ZRAM_UPKEEP_BYTES] = { number_bytes, "a size" },
  [ZRAM_UPKEEP_COUNT] = { number_plain, "a whole number" },
};

const char *
upkeep_setting_number (unsigned n, uint64_t value,
                       char buf[UPKEEP_SETTING_MAX])
{
  enum zram_upkeep_unit unit = zram_upkeep_info (n)->unit;
  const char *after = unit == ZRAM_UPKEEP_PERCENT ? "%" : "";
  char letter[2] = "";
  unsigned i = 0;

  if (unit == ZRAM_UPKEEP_SECONDS) {
    while (value % times[i].seconds)
      i++;
    value /= times[i].seconds;
    letter[0] = times[i].letter;
    after = letter;
  }
  else if (unit == ZRAM_UPKEEP_BYTES && value && value % (1 << 20) == 0) {
    value >>= 20;
    after = "M";
  }
  snprintf (buf, UPKEEP_SETTING_MAX, "%" PRIu64 "%s", value, after);
  return buf;
}

static int
setting_refuse_key (const char *key, char message[ZRAM_MESSAGE_MAX])
{
  const struct zram_upkeep_info *info;
  char text[QUOTE_MAX];
  unsigned i;
  int n;

  n = snprintf (message, ZRAM_MESSAGE_MAX, "'%.40s' is not known; there are",
                quote (key, text));
  for (i = 0; (info = zram_upkeep_info (i)) != NULL; i++)
    n += snprintf (message + n, ZRAM_MESSAGE_MAX - (size_t) n, "%s %s",
                   i ? "," : "", info->key);
  return -1;
}

static int
setting_refuse_value (unsigned n, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  const struct zram_upkeep_info *info = zram_upkeep_info (n);
  char min[UPKEEP_SETTING_MAX], max[UPKEEP_SETTING_MAX], text[QUOTE_MAX];

  snprintf (message, ZRAM_MESSAGE_MAX, "%s=%.40s: must be %s from %s to %s",
            info->key, quote (value, text), units[info->unit].what,
            upkeep_setting_number (n, info->min, min),
            upkeep_setting_number (n, info->max, max));
  return -1;
}

/* KEY=VALUE, which is taken apart. */
static int
setting_number (char *text, bool *given, struct zram_upkeep *upkeep,
                char message[ZRAM_MESSAGE_MAX])
{
  static char none[] = "";
  const char *key = strsep (&text, "=");
  const struct zram_upkeep_info *info;
  unsigned i = 0;
  uint64_t n;

  while ((info = zram_upkeep_info (i)) != NULL && strcmp (info->key, key) != 0)
    i++;
  if (!info)
    return setting_refuse_key (key, message);
  if (given[i]) {
    snprintf (message, ZRAM_MESSAGE_MAX, "%s is given twice", key);
    return -1;
  }
  given[i] = true;
  if (!text)
    text = none;
  if (units[info->unit].parse (text, &n) < 0 || n < info->min || n > info->max)
    return setting_refuse_value (i, text, message);
  upkeep->n[i] = n;
  return 0;
}

int
upkeep_setting_parse (const char *text, struct zram_upkeep *upkeep,
                      char message[ZRAM_MESSAGE_MAX])
{
  bool given[ZRAM_UPKEEP_NUMBERS] = { false };
  char copy[TEXT_MAX], *rest = copy, *word;

  *upkeep = zram_upkeep_usual ();
  upkeep->on = strcmp (text, "off") != 0;
  if (!upkeep->on)
    return 0;
  snprintf (copy, sizeof copy, "%s", text);
  word = strsep (&rest, ",");
  if (strcmp (word, "auto") != 0 || strlen (text) >= sizeof copy) {
    snprintf (message, ZRAM_MESSAGE_MAX, "must be off or auto, or as"
              " auto,idle-min=30m,cpu=2%%");
    return -1;
  }
  while ((word = strsep (&rest, ",")) != NULL)
    if (setting_number (word, given, upkeep, message) < 0)
      return -1;
  return 0;
}
