/* nbdzramctl: sizes, counts, times and ratios as people read them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole numbers throughout: a double has no exact 2^63.
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number-text.h"

/* Write n / unit, rounded to one digit after the point, and the letter. */
static const char *
text_with_unit (uint64_t n, uint64_t unit, const char *letter,
                char text[SIZE_TEXT])
{
  uint64_t whole = n / unit, rest = n % unit, tenths;

  /* Round thousandths first, as util-linux does. */
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
  return text_with_unit (bytes, UINT64_C (1) << 10 * i, letters[i], text);
}

/* Write a number in steps of a thousand. */
static const char *
text_by_thousands (uint64_t n, const char *const *letters, unsigned n_letters,
                   char text[SIZE_TEXT])
{
  uint64_t unit = 1;
  unsigned i = 0;

  while (i + 1 < n_letters && n / unit >= 1000) {
    unit *= 1000;
    i++;
  }
  return text_with_unit (n, unit, letters[i], text);
}

const char *
count_text (uint64_t n, char text[SIZE_TEXT])
{
  static const char *const letters[] = { "", "k", "M", "G", "T", "P", "E" };

  return text_by_thousands (n, letters, 7, text);
}

const char *
time_text (uint64_t ns, char text[SIZE_TEXT])
{
  static const char *const letters[] = { "ns", "us", "ms", "s" };

  return text_by_thousands (ns, letters, 4, text);
}

static const char *
plain_text (uint64_t n, char text[SIZE_TEXT])
{
  snprintf (text, SIZE_TEXT, "%" PRIu64, n);
  return text;
}

const char *
size_or_bytes (uint64_t bytes, bool plain, char text[SIZE_TEXT])
{
  return plain ? plain_text (bytes, text) : size_text (bytes, text);
}

const char *
time_or_ns (uint64_t ns, bool plain, char text[SIZE_TEXT])
{
  return plain ? plain_text (ns, text) : time_text (ns, text);
}

const char *
ratio_text (uint64_t ratio, char text[SIZE_TEXT])
{
  uint64_t hundredths = (ratio + 50) / 100;

  snprintf (text, SIZE_TEXT, "%" PRIu64 ".%02" PRIu64, hundredths / 100,
            hundredths % 100);
  return text;
}

bool
text_is_digits (const char *text)
{
  return *text && !text[strspn (text, "0123456789")];
}
