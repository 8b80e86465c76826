/* Test of lib/number.c and lib/algorithm.c: what is understood, as what,
 * and at which number it ends.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <limits.h>
#include <regex.h>

#include "algorithm.h"
#include "number.h"
#include "testlib.h"

#define KI UINT64_C (1024)
#define MI (KI * 1024)
#define GI (MI * 1024)
#define TI (GI * 1024)
#define PI (TI * 1024)
#define EI (PI * 1024)

struct size {
  const char *text;
  uint64_t bytes;
  int result;
};

static void
check_sizes (const struct size *cases, size_t n, unsigned flags)
{
  uint64_t bytes;
  size_t i;
  int r;

  for (i = 0; i < n; i++) {
    r = number_size (cases[i].text, flags, &bytes);
    if (r != cases[i].result || bytes != cases[i].bytes)
      fail ("'%s' with flags %u: %d and %" PRIu64 ", should be %d and %"
            PRIu64, cases[i].text, flags, r, bytes, cases[i].result,
            cases[i].bytes);
  }
}
#define check(cases, flags) \
  check_sizes (cases, sizeof cases / sizeof cases[0], flags)

/* The same with any flags. */
static void
test_sizes (void)
{
  static const struct size cases[] = {
    { "0", 0, 0 }, { "1", 1, 0 }, { "512", 512, 0 }, { "4096B", 4096, 0 },
    { "1b", 1, 0 }, { "3s", 1536, 0 }, { "3S", 1536, 0 },
    { "1.5s", 768 - 256, 0 },
    { "1K", KI, 0 }, { "1k", KI, 0 }, { "1KiB", KI, 0 }, { "1kib", KI, 0 },
    { "1KIB", KI, 0 }, { "1m", MI, 0 }, { "2GiB", 2 * GI, 0 },
    { "1.5G", GI + GI / 2, 0 }, { "0.5M", MI / 2, 0 }, { "1P", PI, 0 },
    { "1.50000G", GI + GI / 2, 0 }, { "0.000000000000000001E", 0, 0 },
    { "16T", 16 * TI, 0 }, { "15E", 15 * EI, 0 }, { "15.5E", 31 * (EI / 2), 0 },
    { "18446744073709551615", UINT64_MAX, 0 },
    { "18446744073709551615b", UINT64_MAX, 0 },
    { "18446744073709551616", UINT64_MAX, -ERANGE },
    { "99999999999999999999999999G", UINT64_MAX, -ERANGE },
    { "18014398509481983K", UINT64_MAX - 1023, 0 },
    { "18014398509481984K", UINT64_MAX, -ERANGE },
    { "36028797018963967s", UINT64_MAX - 511, 0 },
    { "36028797018963968s", UINT64_MAX, -ERANGE },
    { "16E", UINT64_MAX, -ERANGE }, { "16.5E", UINT64_MAX, -ERANGE },
    { "1", 1, 0 },
  };
  static const char *const bad[] = {
    "", " ", "1 ", " 1", "1 G", "-1", "+1", "x", "1X", "1KX", "1KiBx", "1Ki",
    "K", "iB", "1iB", "1ss", "1bb", "1sB", "1.5", "1.5B", "1.0", ".5G", "1.G",
    "1..5G", "1.5.5G", "1,5G", "1e3", "1.5%", "5%", "1\n", "1KK", "1E1", "1x1",
    "1.1234567890123456789G", "\xc3\xa9", "1\xff", "1.-5G", "0x", "0x.5G",
    "0x1.5G", "0xg",
  };
  unsigned flags;
  uint64_t n;
  size_t i;

  for (flags = 0; flags < 4; flags++) {
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
      if (number_size (bad[i], flags, &n) != -EINVAL || n != 0)
        fail ("'%s' is taken for %" PRIu64, bad[i], n);
    if (flags & NUMBER_SECTORS)
      check (cases, flags);
  }
}

/* Where they differ. */
static void
test_flags (void)
{
  static const struct size people[] = {
    { "1KB", 1000, 0 }, { "1kb", 1000, 0 }, { "3MB", 3000000, 0 },
    { "1.5KB", 1500, 0 }, { "18EB", UINT64_C (18000000000000000000), 0 },
    { "18.446744073709551615EB", UINT64_MAX, 0 },
    { "18.446744073709551616EB", UINT64_MAX, -ERANGE },
    { "010K", 10 * KI, 0 }, { "08K", 8 * KI, 0 }, { "010.5K", 10752, 0 },
    { "0x10", 0, -EINVAL }, { "0.000000001G", 1, 0 }, { "1.3K", 1331, 0 },
    { "1.5s", 768, 0 },
  };
  static const struct size kernel[] = {
    { "1KB", 0, -EINVAL }, { "512MB", 0, -EINVAL }, { "0xEB", 0xeb, 0 },
    { "010K", 8 * KI, 0 }, { "08K", 0, -EINVAL }, { "010.5K", 0, -EINVAL },
    { "00.5K", 0, -EINVAL }, { "0.5K", 512, 0 }, { "0x10", 16, 0 },
    { "0X1f", 31, 0 }, { "0x10K", 16 * KI, 0 }, { "0x10KiB", 16 * KI, 0 },
    { "0x1E", 0x1e, 0 }, { "01E", EI, 0 }, { "0", 0, 0 }, { "00", 0, 0 },
    { "0b", 0, 0 }, { "0xffffffffffffffff", UINT64_MAX, 0 },
    { "0x10000000000000000", UINT64_MAX, -ERANGE },
    { "01777777777777777777777", UINT64_MAX, 0 },
    { "02000000000000000000000", UINT64_MAX, -ERANGE },
  };
  static const struct size disk[] = {
    { "1.3G", UINT64_C (1395864064), 0 }, { "1.3K", KI, 0 },
    { "1.1KB", KI, 0 }, { "0.1K", 0, 0 }, { "513", 513, 0 },
    { "1KB", 1000, 0 }, { "1.0KB", 512, 0 },
  };

  check (people, 0);
  check (kernel, NUMBER_KERNEL);
  check (disk, NUMBER_SECTORS);
}

static void
test_counts (void)
{
  static const char *const bad[] = {
    "", "-1", "+1", " 1", "1 ", "1K", "1.5", "1b", "x", "1%",
  };
  uint64_t n;
  size_t i;

  CHECK (number_count ("0", 0, &n) == 0 && n == 0);
  CHECK (number_count ("0010", 0, &n) == 0 && n == 10);
  CHECK (number_count ("0010", NUMBER_KERNEL, &n) == 0 && n == 8);
  CHECK (number_count ("0x10", NUMBER_KERNEL, &n) == 0 && n == 16);
  CHECK (number_count ("0x10", 0, &n) == -EINVAL && n == 0);
  CHECK (number_count ("18446744073709551615", 0, &n) == 0);
  CHECK (n == UINT64_MAX);
  CHECK (number_count ("18446744073709551616", 0, &n) == -ERANGE);
  CHECK (n == UINT64_MAX);
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK (number_count (bad[i], 0, &n) == -EINVAL && n == 0);
}

static void
test_integers (void)
{
  static const struct { const char *text; int n, result; } cases[] = {
    { "0", 0, 0 }, { "-0", 0, 0 }, { "+7", 7, 0 }, { "-131072", -131072, 0 },
    { "2147483647", INT_MAX, 0 }, { "2147483648", INT_MAX, -ERANGE },
    { "-2147483648", INT_MIN, 0 }, { "-2147483649", INT_MIN, -ERANGE },
    { "99999999999999999999", INT_MAX, -ERANGE },
    { "-99999999999999999999", INT_MIN, -ERANGE },
    { "", 0, -EINVAL }, { "-", 0, -EINVAL }, { "+", 0, -EINVAL },
    { "--1", 0, -EINVAL }, { "+-1", 0, -EINVAL }, { " 1", 0, -EINVAL },
    { "1 ", 0, -EINVAL }, { "1.5", 0, -EINVAL }, { "0x1", 0, -EINVAL },
  };
  size_t i;
  int n;

  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (number_integer (cases[i].text, &n) != cases[i].result ||
        n != cases[i].n)
      fail ("'%s' is taken for %d", cases[i].text, n);
}

static void
test_seconds (void)
{
  static const struct {
    const char *text;
    int result;
    uint64_t n;
  } cases[] = {
    { "1", 0, UINT64_C (1000000000) }, { "0.1", 0, 100000000 },
    { "2.5", 0, UINT64_C (2500000000) }, { "0", 0, 0 },
    { "0.000000001", 0, 1 }, { "0.0000000009", 0, 0 },
    { "18446744073.709551615", 0, UINT64_MAX },
    { "18446744073.709551616", -ERANGE, UINT64_MAX },
    { "99999999999999999999", -ERANGE, UINT64_MAX },
    { "", -EINVAL, 0 }, { ".5", -EINVAL, 0 }, { "1.", -EINVAL, 0 },
    { "-1", -EINVAL, 0 }, { "1e3", -EINVAL, 0 }, { " 1", -EINVAL, 0 },
    { "1s", -EINVAL, 0 }, { "inf", -EINVAL, 0 }, { "0x1", -EINVAL, 0 },
    { "1.0000000000000000001", -EINVAL, 0 },
  };
  uint64_t n;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (number_seconds (cases[i].text, &n) != cases[i].result ||
        n != cases[i].n)
      fail ("number_seconds: '%s'", cases[i].text);
}

static void
test_percents (void)
{
  static const struct { const char *text; unsigned n; int result; } cases[] = {
    { "1%", 1, 0 }, { "50%", 50, 0 }, { "100%", 100, 0 }, { "007%", 7, 0 },
    { "0%", 1, -ERANGE }, { "101%", 100, -ERANGE },
    { "18446744073709551617%", 100, -ERANGE },
    { "", 0, -EINVAL }, { "%", 0, -EINVAL }, { "5", 0, -EINVAL },
    { "5%%", 0, -EINVAL }, { "5%5", 0, -EINVAL }, { " 5%", 0, -EINVAL },
    { "-5%", 0, -EINVAL }, { "12.5%", 0, -EINVAL },
  };
  unsigned n;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (number_percent (cases[i].text, 100, &n) != cases[i].result ||
        n != cases[i].n)
      fail ("'%s' is taken for %u", cases[i].text, n);
  CHECK (number_share (1000, 37) == 370 && number_share (99, 50) == 49);
  CHECK (number_share (UINT64_MAX, 100) == UINT64_MAX);
  CHECK (number_share (UINT64_MAX, 1000) == UINT64_MAX);
}

static void
test_algorithms (void)
{
  static const struct {
    const char *text, *name;
    bool has_level;
    int level, result;
  } cases[] = {
    { "zstd", "zstd", false, 0, 0 }, { "zstd:3", "zstd", true, 3, 0 },
    { "zstd:-3", "zstd", true, -3, 0 }, { "", "", false, 0, 0 },
    { ":3", "", true, 3, 0 }, { "zstd:", "zstd", true, 0, -EINVAL },
    { "zstd:x", "zstd", true, 0, -EINVAL },
    { "zstd:3:4", "zstd", true, 0, -EINVAL },
    { "zstd: 3", "zstd", true, 0, -EINVAL },
    { "zstd:99999999999999999999", "zstd", true, INT_MAX, 0 },
  };
  char longer[4 * ALGORITHM_NAME_MAX];
  struct algorithm a;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (algorithm_parse (cases[i].text, &a) != cases[i].result ||
        strcmp (a.name, cases[i].name) != 0 ||
        a.has_level != cases[i].has_level || a.level != cases[i].level)
      fail ("'%s' is taken for '%s', level %d", cases[i].text, a.name,
            a.level);
  memset (longer, 'z', sizeof longer);
  strcpy (longer + sizeof longer - 3, ":3");
  CHECK (algorithm_parse (longer, &a) == 0 && a.level == 3);
  CHECK (strlen (a.name) == ALGORITHM_NAME_MAX - 1);
}

/* Sizes made from numbers: exact wherever they fit. */
static void
test_made (uint64_t *rng)
{
  static const char letters[] = "KMGTPE";
  unsigned letter = (unsigned) rng_below (rng, 6), i, digits;
  bool decimal = rng_below (rng, 2);
  uint64_t whole = rng_next (rng) >> rng_below (rng, 64), part, n;
  __uint128_t unit = 1, scale = 1, exact;
  char text[80];
  int r;

  for (i = 0; i <= letter; i++)
    unit *= decimal ? 1000 : 1024;
  digits = 1 + (unsigned) rng_below (rng, 18);
  for (i = 0; i < digits; i++)
    scale *= 10;
  part = rng_next (rng) % (uint64_t) scale;
  snprintf (text, sizeof text, "%" PRIu64 ".%0*" PRIu64 "%c%s", whole,
            (int) digits, part, letters[letter], decimal ? "B" : "");
  exact = whole * unit + part * unit / scale;
  r = number_size (text, 0, &n);
  if (exact > UINT64_MAX ? r != -ERANGE || n != UINT64_MAX
      : r != 0 || n != exact)
    fail ("%s: %d and %" PRIu64, text, r, n);
}

/* Rubbish: what is understood is just what the grammar says. */
static void
test_rubbish (uint64_t *rng, const regex_t *people, const regex_t *kernel)
{
  static const char alphabet[] = "0123459.x-+ %skKMGTPEibB";
  char text[12];
  size_t length = rng_below (rng, sizeof text), i;
  unsigned flags = (unsigned) rng_below (rng, 4);
  bool taken, right;
  uint64_t n;

  for (i = 0; i < length; i++)
    text[i] = alphabet[rng_below (rng, sizeof alphabet - 1)];
  text[length] = '\0';
  taken = number_size (text, flags, &n) != -EINVAL;
  right = regexec (flags & NUMBER_KERNEL ? kernel : people, text, 0, NULL,
                   0) == 0;
  if (taken != right)
    fail ("'%s' is %staken with flags %u", text, taken ? "" : "not ", flags);
}

static void
test_random (void)
{
  uint64_t rng = env_number ("SEED", 1);
  regex_t people, kernel;
  unsigned i;

  CHECK (regcomp (&people, "^[0-9]+([kmgtpe]i?b|[kmgtpesb]|)$|"
                  "^[0-9]+\\.[0-9]+([kmgtpe]i?b|[kmgtpes])$",
                  REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0);
  CHECK (regcomp (&kernel, "^([1-9][0-9]*|0[0-7]*|0x[0-9a-f]+)"
                  "([kmgtpe]ib|[kmgtpesb]|)$|"
                  "^([1-9][0-9]*|0)\\.[0-9]+([kmgtpe]ib|[kmgtpes])$",
                  REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0);
  for (i = 0; i < 50000; i++) {
    test_made (&rng);
    test_rubbish (&rng, &people, &kernel);
  }
  regfree (&people);
  regfree (&kernel);
}

int
main (void)
{
  test_sizes ();
  test_flags ();
  test_counts ();
  test_integers ();
  test_seconds ();
  test_percents ();
  test_algorithms ();
  test_random ();
  return 0;
}
