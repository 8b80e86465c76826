/* Test of ctl/number-text.c: sizes, counts and times as people write and read
 * them.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "testlib.h"

#include "../ctl/number-text.h"
#include "number.h"

#define KI UINT64_C (1024)
#define MI (KI * 1024)
#define GI (MI * 1024)
#define TI (GI * 1024)
#define PI (TI * 1024)
#define EI (PI * 1024)

typedef const char *text_fn (uint64_t n, char text[SIZE_TEXT]);

struct shown {
  uint64_t n;
  const char *text;
};

static void
check_shown (text_fn *fn, const struct shown *cases, size_t n)
{
  char text[SIZE_TEXT];
  size_t i;

  for (i = 0; i < n; i++)
    if (strcmp (fn (cases[i].n, text), cases[i].text) != 0)
      fail ("%" PRIu64 " is shown as %s, not %s", cases[i].n, text,
            cases[i].text);
}

static void
test_shown (void)
{
  static const struct shown sizes[] = {
    { 0, "0B" }, { 1, "1B" }, { 1023, "1023B" }, { KI, "1K" },
    { KI + 51, "1K" }, { KI + 52, "1.1K" }, { 1536, "1.5K" },
    { MI - 1, "1024K" }, { MI, "1M" }, { 854 * MI, "854M" },
    { UINT64_C (2469606195), "2.3G" }, { UINT64_C (947703808), "903.8M" },
    { 16 * TI, "16T" }, { EI - 1, "1024P" }, { 15 * EI, "15E" },
    { UINT64_MAX, "16E" }, { 15 * EI + EI / 2, "15.5E" },
  };
  static const struct shown counts[] = {
    { 0, "0" }, { 999, "999" }, { 1000, "1k" }, { 12345, "12.3k" },
    { 999949, "999.9k" }, { 999999, "1000k" }, { 4000000, "4M" },
    { UINT64_MAX, "18.4E" },
  };
  static const struct shown times[] = {
    { 0, "0ns" }, { 850, "850ns" }, { 12345, "12.3us" }, { 4000000, "4ms" },
    { 1500000000, "1.5s" }, { UINT64_C (86400000000000), "86400s" },
  };

  check_shown (size_text, sizes, sizeof sizes / sizeof sizes[0]);
  check_shown (count_text, counts, sizeof counts / sizeof counts[0]);
  check_shown (time_text, times, sizeof times / sizeof times[0]);
}

static void
test_parsed (void)
{
  static const struct { const char *text; uint64_t n; } good[] = {
    { "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "4096B", 4096 },
    { "1K", KI }, { "1k", KI }, { "1KiB", KI }, { "1kib", KI },
    { "1KB", 1000 }, { "1kb", 1000 }, { "3MB", 3000000 }, { "2GiB", 2 * GI },
    { "1.5G", GI + GI / 2 }, { "0.25K", 256 }, { "1.5KB", 1500 },
    { "0.000000001G", 1 }, { "3s", 1536 }, { "16T", 16 * TI },
    { "15E", 15 * EI },
    { "18446744073709551615", UINT64_MAX }, { "1P", PI },
  };
  static const char *const bad[] = {
    "", " ", "1 ", " 1", "-1", "+1", "x", "1X", "1KX", "1KiBx", "1Ki", "K",
    "1.5", "1.5B", ".5G", "1.G", "1.0000000001B", "0x10", "1,5G", "1e3",
    "16E", "18446744073709551616", "1.1234567890123456789E", "1\n", "1KK",
    "99999999999999999999999999G",
  };
  uint64_t n;
  size_t i;

  for (i = 0; i < sizeof good / sizeof good[0]; i++)
    if (number_size (good[i].text, 0, &n) != 0 || n != good[i].n)
      fail ("%s is not understood, or as %" PRIu64, good[i].text, n);
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (number_size (bad[i], 0, &n) >= 0)
      fail ("'%s' is taken for %" PRIu64, bad[i], n);

  CHECK (number_size ("1.3K", NUMBER_SECTORS, &n) == 0 && n == 1024);
  CHECK (number_size ("16E", NUMBER_SECTORS, &n) < 0);
  CHECK (number_count ("0", 0, &n) == 0 && n == 0);
  CHECK (number_count ("18446744073709551615", 0, &n) == 0 && n == UINT64_MAX);
  CHECK (number_count ("18446744073709551616", 0, &n) < 0);
  CHECK (number_count ("1K", 0, &n) < 0);
  CHECK (number_count ("", 0, &n) < 0);
  CHECK (number_count ("-1", 0, &n) < 0);
}

/* What is shown can be read, and is near what it was. */
static void
test_there_and_back (void)
{
  uint64_t rng = env_number ("SEED", 1), n, back;
  char text[SIZE_TEXT];
  unsigned i;

  for (i = 0; i < 100000; i++) {
    n = rng_next (&rng) >> rng_below (&rng, 64);
    if (n >= UINT64_MAX / 16 * 15)
      continue;
    CHECK (number_size (size_text (n, text), 0, &back) == 0);
    CHECK (strlen (text) <= 7);
    if ((back > n ? back - n : n - back) > n / 18)
      fail ("%" PRIu64 " is shown as %s", n, text);
  }
}

static void
test_digits (void)
{
  CHECK (text_is_digits ("0") && text_is_digits ("01234567890123456789012"));
  CHECK (!text_is_digits ("") && !text_is_digits ("1 ") &&
         !text_is_digits ("-1") && !text_is_digits ("1p"));
}

int
main (void)
{
  test_shown ();
  test_digits ();
  test_parsed ();
  test_there_and_back ();
  return 0;
}
