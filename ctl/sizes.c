/* nbdzramctl: sizes, ratios and times as people write and read them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole numbers throughout: a double has no exact 2^63.
 */

#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sizes.h"

/* n / unit with one digit, rounded to nearest, and the letter. */
static const char *
with_unit (uint64_t n, uint64_t unit, const char *letter,
           char text[SIZE_TEXT])
{
  uint64_t whole = n / unit, rest = n % unit, tenths;

  /* Thousandths first, as util-linux does: what it rounds we round. */
  tenths = rest >= UINT64_MAX / 1000 ? rest / 1024 * 1000 / (unit / 1024)
                                     : rest * 1000 / unit;
  tenths = (tenths + 50) / 100;
  if (tenths == 10) {
    whole++;
    tenths = 0;
  }
  if (tenths)
    snprintf (text, SIZE_TEXT, "%" PRIu64 ".%" PRIu64 "%s",
              whole, tenths, letter);
  else
    snprintf (text, SIZE_TEXT, "%" PRIu64 "%s", whole, letter);
  return text;
}

const char *
size_text (uint64_t bytes, char text[SIZE_TEXT])
{
  static const char *const letters[] = { "B", "K", "M", "G", "T", "P", "E" };
  unsigned i = 0;

  while (i < 6 && bytes >> 10 * (i + 1))
    i++;
  return with_unit (bytes, UINT64_C (1) << 10 * i, letters[i], text);
}

/* By thousands. */
static const char *
by_thousands (uint64_t n, const char *const *letters, unsigned n_letters,
              char text[SIZE_TEXT])
{
  uint64_t unit = 1;
  unsigned i = 0;

  while (i + 1 < n_letters && n / unit >= 1000) {
    unit *= 1000;
    i++;
  }
  return with_unit (n, unit, letters[i], text);
}

const char *
count_text (uint64_t n, char text[SIZE_TEXT])
{
  static const char *const letters[] = { "", "k", "M", "G", "T", "P", "E" };

  return by_thousands (n, letters, 7, text);
}

const char *
time_text (uint64_t ns, char text[SIZE_TEXT])
{
  static const char *const letters[] = { "ns", "us", "ms", "s" };

  return by_thousands (ns, letters, 4, text);
}

/* The factor that a suffix stands for; 0: it is none. */
static uint64_t
suffix_factor (const char *s)
{
  static const char letters[] = "KMGTPE";
  const char *p;
  uint64_t factor = 1, step;

  if (*s == '\0' || strcasecmp (s, "B") == 0)
    return 1;
  p = strchr (letters, toupper ((unsigned char) *s));
  if (!p)
    return 0;
  s++;
  if (*s == '\0' || strcasecmp (s, "iB") == 0)
    step = 1024;
  else if (strcasecmp (s, "B") == 0)
    step = 1000;
  else
    return 0;
  for (p++; p > letters; p--)
    factor *= step;
  return factor;
}

/* Digits from *s on, at most 18 of them as a fraction matters; returns
 * false if there are none or they do not fit.
 */
static bool
digits (const char **s, uint64_t *n)
{
  const char *start = *s;

  for (*n = 0; isdigit ((unsigned char) **s); ++*s) {
    if (__builtin_mul_overflow (*n, UINT64_C (10), n) ||
        __builtin_add_overflow (*n, (uint64_t) (**s - '0'), n))
      return false;
  }
  return *s > start;
}

int
size_parse (const char *text, uint64_t *bytes)
{
  uint64_t whole, factor, fraction = 0, scale = 1;
  const char *s = text, *point;

  if (!digits (&s, &whole))
    return -1;
  if (*s == '.') {
    point = ++s;
    /* Nine digits are exact to a byte of a gigabyte. */
    if (!digits (&s, &fraction) || s - point > 9)
      return -1;
    for (; point < s; point++)
      scale *= 10;
  }
  factor = suffix_factor (s);
  if (!factor || (scale > 1 && factor == 1) ||
      __builtin_mul_overflow (whole, factor, &whole))
    return -1;
  fraction = (uint64_t) ((__uint128_t) fraction * factor / scale);
  return __builtin_add_overflow (whole, fraction, bytes) ? -1 : 0;
}

int
number_parse (const char *text, uint64_t *n)
{
  return digits (&text, n) && !*text ? 0 : -1;
}
