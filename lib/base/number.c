/* nbdkit-zram: numbers and sizes as people write them.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "number.h"

#define SECTOR 512
#define FRACTION_DIGITS 18

/* The value of a digit; 16 or more: it is none. */
static unsigned
number_digit (char c)
{
  static const char digits[] = "0123456789abcdef";
  const char *p = c ? strchr (digits, tolower ((unsigned char) c)) : NULL;

  return p ? (unsigned) (p - digits) : 16;
}

/* Digits from *s on, which it moves over.  False: there are none.  What is
 * larger than fits becomes UINT64_MAX, and *fits false.
 */
static bool
number_read_digits (const char **s, unsigned base, uint64_t *n, bool *fits)
{
  const char *start = *s;

  for (*n = 0; number_digit (**s) < base; ++*s)
    if (__builtin_mul_overflow (*n, (uint64_t) base, n) ||
        __builtin_add_overflow (*n, (uint64_t) number_digit (**s), n)) {
      *fits = false;
      /* All further digits overflow too. */
      *n = UINT64_MAX;
    }
  return *s > start;
}

/* The kernel's way to tell the base; skips a 0x. */
static unsigned
number_read_base (const char **s, unsigned flags)
{
  if (!(flags & NUMBER_KERNEL) || **s != '0')
    return 10;
  if (tolower ((unsigned char) (*s)[1]) == 'x') {
    *s += 2;
    return 16;
  }
  return isdigit ((unsigned char) (*s)[1]) ? 8 : 10;
}

/* The bytes that a unit stands for; 0: it is none. */
static uint64_t
number_unit_bytes (const char *s, unsigned flags)
{
  static const char letters[] = "kmgtpe";
  const char *letter;
  uint64_t bytes = 1, step = 1024;

  if (!*s || strcasecmp (s, "b") == 0)
    return 1;
  if (strcasecmp (s, "s") == 0)
    return SECTOR;
  letter = strchr (letters, tolower ((unsigned char) *s));
  if (!letter)
    return 0;
  if (strcasecmp (s + 1, "b") == 0 && !(flags & NUMBER_KERNEL))
    step = 1000;
  else if (s[1] && strcasecmp (s + 1, "ib") != 0)
    return 0;
  for (letter++; letter > letters; letter--)
    bytes *= step;
  return bytes;
}

/* What follows a point, as so many of `scale' parts. */
static bool
number_read_fraction (const char **s, uint64_t *n, uint64_t *scale)
{
  const char *start = *s;
  bool fits = true;

  if (!number_read_digits (s, 10, n, &fits) || *s - start > FRACTION_DIGITS)
    return false;
  for (*scale = 1; start < *s; start++)
    *scale *= 10;
  return true;
}

static int
number_result (uint64_t *to, uint64_t n, bool fits)
{
  *to = fits ? n : UINT64_MAX;
  return fits ? 0 : -ERANGE;
}

int
number_size (const char *text, unsigned flags, uint64_t *bytes)
{
  uint64_t whole, part = 0, scale = 1, unit;
  unsigned base = number_read_base (&text, flags);
  bool fits = true;

  *bytes = 0;
  if (!number_read_digits (&text, base, &whole, &fits))
    return -EINVAL;
  if (*text == '.') {
    text++;
    if (base != 10 || !number_read_fraction (&text, &part, &scale))
      return -EINVAL;
  }
  unit = number_unit_bytes (text, flags);
  if (!unit || (unit == 1 && scale > 1))
    return -EINVAL;
  /* Below 10^18 times at most 2^60. */
  part = (uint64_t) ((__uint128_t) part * unit / scale);
  if (__builtin_mul_overflow (whole, unit, &whole) ||
      __builtin_add_overflow (whole, part, &whole))
    fits = false;
  if (flags & NUMBER_SECTORS && scale > 1)
    whole -= whole % SECTOR;
  return number_result (bytes, whole, fits);
}

int
number_count (const char *text, unsigned flags, uint64_t *n)
{
  unsigned base = number_read_base (&text, flags);
  uint64_t count;
  bool fits = true;

  *n = 0;
  if (!number_read_digits (&text, base, &count, &fits) || *text)
    return -EINVAL;
  return number_result (n, count, fits);
}

int
number_seconds (const char *text, uint64_t *ns)
{
  const uint64_t second = 1000000000;
  uint64_t whole, part = 0, scale = 1;
  bool fits = true;

  *ns = 0;
  if (!number_read_digits (&text, 10, &whole, &fits))
    return -EINVAL;
  if (*text == '.') {
    text++;
    if (!number_read_fraction (&text, &part, &scale))
      return -EINVAL;
  }
  if (*text)
    return -EINVAL;
  part = (uint64_t) ((__uint128_t) part * second / scale);
  if (__builtin_mul_overflow (whole, second, &whole) ||
      __builtin_add_overflow (whole, part, &whole))
    fits = false;
  return number_result (ns, whole, fits);
}

int
number_integer (const char *text, int *n)
{
  bool negative = *text == '-';
  uint64_t count, most = negative ? (uint64_t) INT_MAX + 1 : INT_MAX;
  int r;

  *n = 0;
  r = number_count (text + (negative || *text == '+'), 0, &count);
  if (r == -EINVAL)
    return r;
  if (count > most) {
    count = most;
    r = -ERANGE;
  }
  *n = negative ? (int) -(int64_t) count : (int) count;
  return r;
}

int
number_percent (const char *text, unsigned max, unsigned *percent)
{
  uint64_t n;
  bool fits = true;

  *percent = 0;
  if (!number_read_digits (&text, 10, &n, &fits) || strcmp (text, "%") != 0)
    return -EINVAL;
  *percent = n < 1 ? 1 : n > max ? max : (unsigned) n;
  return *percent == n ? 0 : -ERANGE;
}

uint64_t
number_share (uint64_t whole, unsigned percent)
{
  __uint128_t share = (__uint128_t) whole * percent / 100;

  return share > UINT64_MAX ? UINT64_MAX : (uint64_t) share;
}
