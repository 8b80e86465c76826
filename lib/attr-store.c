/* nbdkit-zram: what can be written to attributes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Values are checked more strictly than the kernel does, which takes
 * "512MB" for 512M and ignores keys that it does not know.  A message
 * names what is wrong and says what would be right.
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr-store.h"
#include "disk.h"

#define SECTOR 512
_Static_assert (ZRAM_SIZE_MAX == UINT64_C (16) << 40, "the texts say so");

/* Values that do not fit a message are cut there. */
#define QUOTED "'%.64s'"

/* Numbers. */

/* A whole number as in C: decimal, 0x and hexadecimal, 0 and octal.  The
 * first character after it, or NULL if there is none.  What is larger
 * than fits becomes UINT64_MAX.
 */
static const char *
parse_integer (const char *s, uint64_t *n)
{
  char *end;

  if (!isdigit ((unsigned char) *s))
    return NULL;
  errno = 0;
  *n = strtoull (s, &end, 0);
  return end;
}

/* The kernel's memparse, but for what may follow: nothing. */
static bool
parse_bytes (const char *value, uint64_t *bytes)
{
  static const char suffixes[] = "kmgtpe";
  const char *end = parse_integer (value, bytes), *suffix;
  unsigned shift;

  if (!end)
    return false;
  if (!*end)
    return true;
  suffix = strchr (suffixes, tolower ((unsigned char) *end));
  if (!suffix || end[1])
    return false;
  shift = 10 * (unsigned) (suffix - suffixes + 1);
  *bytes = *bytes > UINT64_MAX >> shift ? UINT64_MAX : *bytes << shift;
  return true;
}

static int
refuse_bytes (char message[ZRAM_MESSAGE_MAX], const char *value,
              const char *range)
{
  return refuse (message, QUOTED " is not understood: must be %s"
                 " (0x for hexadecimal, 0 for octal; suffixes K, M, G, T,"
                 " P, E)", value, range);
}

/* disksize */

int
store_disksize (struct zram_disk *disk, const char *value,
                char message[ZRAM_MESSAGE_MAX])
{
  uint64_t n;

  if (!parse_bytes (value, &n))
    return refuse_bytes (message, value, ATTR_DISKSIZES);
  if (n > ZRAM_SIZE_MAX)
    return refuse (message, QUOTED " is too large: the maximum is 16T",
                   value);
  if (n < SECTOR)
    return refuse (message, QUOTED " is too small: must be " ATTR_DISKSIZES,
                   value);
  if (n % SECTOR)
    return refuse (message, QUOTED " is not a multiple of 512: the nearest"
                   " are %" PRIu64 " and %" PRIu64, value,
                   n / SECTOR * SECTOR, n / SECTOR * SECTOR + SECTOR);
  return zram_resize (disk, n, message);
}

bool
shrinks (const struct zram_disk *disk, const char *value)
{
  uint64_t n;

  return parse_bytes (value, &n) && n < zram_size (disk);
}

/* reset, compact */

static bool
is_force (const char *value)
{
  return strcmp (value, "force") == 0;
}

/* What the kernel takes: a number of 16 bits that is not 0. */
static bool
is_one (const char *value)
{
  size_t digits = strspn (value, "0123456789");
  long n = strtol (value, NULL, 10);

  return digits && !value[digits] && n >= 1 && n <= UINT16_MAX;
}

bool
resets_unasked (const struct zram_disk *disk, const char *value)
{
  (void) disk;
  return is_one (value);
}

int
store_reset (struct zram_disk *disk, const char *value,
             char message[ZRAM_MESSAGE_MAX])
{
  int r;

  if (!is_force (value) && !is_one (value))
    return refuse (message, QUOTED " is not understood: must be 1, or force"
                   " to do it while clients are connected", value);
  r = zram_reset (disk);
  if (r < 0)
    refuse (message, "not enough memory to reset the disk");
  return r;
}

int
store_compact (struct zram_disk *disk, const char *value,
               char message[ZRAM_MESSAGE_MAX])
{
  if (*value && strcmp (value, "1") != 0)
    return refuse (message, QUOTED " is not understood: must be 1 or"
                   " nothing", value);
  return zram_compact (disk);
}

/* Memory, idle pages */

int
store_mem_limit (struct zram_disk *disk, const char *value,
                 char message[ZRAM_MESSAGE_MAX])
{
  static const char range[] = "a number of bytes, or 0 for no limit";
  uint64_t n;

  if (!parse_bytes (value, &n))
    return refuse_bytes (message, value, range);
  if (n > INT64_MAX)
    return refuse (message, QUOTED " is too large: must be %s", value, range);
  zram_set_mem_limit (disk, n);
  return 0;
}

int
store_mem_used_max (struct zram_disk *disk, const char *value,
                    char message[ZRAM_MESSAGE_MAX])
{
  if (strcmp (value, "0") != 0)
    return refuse (message, QUOTED " cannot be set: must be 0, to let the"
                   " maximum start again from what is used now", value);
  zram_reset_peak (disk);
  return 0;
}

int
store_idle (struct zram_disk *disk, const char *value,
            char message[ZRAM_MESSAGE_MAX])
{
  static const char ranges[] = "all, or a number of seconds from 1 on";
  uint64_t n = 0;
  const char *end = parse_integer (value, &n);

  if (strcmp (value, "all") != 0) {
    if (!end || *end || n == 0)
      return refuse (message, QUOTED " is not understood: must be %s",
                     value, ranges);
    /* The end of time, which may be added to. */
    if (n > UINT32_MAX)
      n = UINT32_MAX;
  }
  if (zram_mark_idle (disk, n) < 0)
    return refuse (message, QUOTED ": ages are not known: the disk was made"
                   " without track-access=true; only all can be marked",
                   value);
  return 0;
}

/* Algorithms */

int
store_comp_algorithm (struct zram_disk *disk, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  return zram_set_algorithm (disk, value, false, 0, message);
}

/* algorithm_params: KEY=VALUE KEY=VALUE ... */

struct algorithm {
  char algo[64];
  bool has_level;
  int level;
};

static int
param_algo (struct algorithm *a, const char *value,
            char message[ZRAM_MESSAGE_MAX])
{
  if (strlen (value) >= sizeof a->algo)
    return refuse (message, "algo=" QUOTED " is no algorithm", value);
  strcpy (a->algo, value);
  return 0;
}

/* A number that is too long for us is as good as the longest, of which
 * the engine says what the range is.
 */
static int
param_level (struct algorithm *a, const char *value,
             char message[ZRAM_MESSAGE_MAX])
{
  const char *digits = value + (*value == '-' || *value == '+');
  long n = strtol (value, NULL, 10);

  if (!*digits || digits[strspn (digits, "0123456789")])
    return refuse (message, "level=" QUOTED " is not a whole number", value);
  a->has_level = true;
  a->level = n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int) n;
  return 0;
}

static int
param_priority (struct algorithm *a, const char *value,
                char message[ZRAM_MESSAGE_MAX])
{
  (void) a;
  if (strcmp (value, "0") != 0)
    return refuse (message, "priority=" QUOTED ": must be 0: the disk has"
                   " one algorithm", value);
  return 0;
}

static int
param_dict (struct algorithm *a, const char *value,
            char message[ZRAM_MESSAGE_MAX])
{
  (void) a;
  return refuse (message, "dict=" QUOTED ": no file is opened for a command;"
                 " leave dict out", value);
}

static int
param_winbits (struct algorithm *a, const char *value,
               char message[ZRAM_MESSAGE_MAX])
{
  (void) a;
  return refuse (message, "deflate.winbits=" QUOTED ": deflate has no"
                 " window to choose here; leave it out", value);
}

static const struct {
  const char *key;
  int (*set) (struct algorithm *a, const char *value,
              char message[ZRAM_MESSAGE_MAX]);
} algorithm_keys[] = {
  { "algo", param_algo },
  { "level", param_level },
  { "priority", param_priority },
  { "dict", param_dict },
  { "deflate.winbits", param_winbits },
};
#define ALGORITHM_KEYS (sizeof algorithm_keys / sizeof algorithm_keys[0])
#define ALGORITHM_HELP "algo=NAME and level=N"

/* One KEY=VALUE; the value may be in double quotes. */
static int
algorithm_param (struct algorithm *a, unsigned *seen, char *param,
                 char message[ZRAM_MESSAGE_MAX])
{
  char *value = strchr (param, '=');
  size_t i, n;

  if (!value)
    return refuse (message, QUOTED " is not KEY=VALUE: there are "
                   ALGORITHM_HELP, param);
  *value++ = '\0';
  n = strlen (value);
  if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
    value[n - 1] = '\0';
    value++;
  }
  for (i = 0; i < ALGORITHM_KEYS; ++i)
    if (strcmp (algorithm_keys[i].key, param) == 0)
      break;
  if (i == ALGORITHM_KEYS)
    return refuse (message, "there is no " QUOTED " here: there are "
                   ALGORITHM_HELP, param);
  if (!*value)
    return refuse (message, "%s=: the value is missing", param);
  if (*seen & 1u << i)
    return refuse (message, "%s is given twice", param);
  *seen |= 1u << i;
  return algorithm_keys[i].set (a, value, message);
}

int
store_algorithm_params (struct zram_disk *disk, const char *value,
                        char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm a = { .has_level = false };
  char params[512], *param, *rest = params;
  unsigned seen = 0;
  int r;

  if (!*value)
    return refuse (message, "no parameters: there are " ALGORITHM_HELP);
  if (strlen (value) >= sizeof params)
    return refuse (message, QUOTED "... is too long: there are "
                   ALGORITHM_HELP, value);
  strcpy (params, value);
  while ((param = strtok_r (rest, " \t", &rest)) != NULL) {
    r = algorithm_param (&a, &seen, param, message);
    if (r < 0)
      return r;
  }
  return zram_set_algorithm (disk, *a.algo ? a.algo : zram_algorithm (disk),
                             a.has_level, a.level, message);
}
