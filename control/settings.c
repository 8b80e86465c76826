/* nbdkit-zram: what can be said of one device, KEY=VALUE.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A value is checked as far as it can be alone when it is given, so that
 * the message can quote it.  What depends on other values (the level, on
 * the codec) waits until all of them are known.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "algorithm.h"
#include "dictionary-file.h"
#include "number.h"
#include "ram-share.h"
#include "settings.h"
#include "upkeep-setting.h"

#define SECTOR 512

_Static_assert (ZRAM_SIZE_MAX == UINT64_C (16) << 40 &&
                ZRAM_PAGE_MIN == 4096 && ZRAM_PAGE_MAX == 65536,
                "the help and the messages say so");

/* Values */

int
settings_refuse (char message[SETTINGS_MESSAGE_MAX], const char *key,
                 const char *value, const char *fmt, ...)
{
  char text[QUOTE_MAX], name[QUOTE_MAX];
  va_list args;
  int n;

  n = snprintf (message, SETTINGS_MESSAGE_MAX, "%s=%s: ",
                quote (key, name), quote (value, text));
  va_start (args, fmt);
  vsnprintf (message + n, SETTINGS_MESSAGE_MAX - (size_t) n, fmt, args);
  va_end (args);
  return -1;
}

/* The parse functions have the key, the value and the message at hand. */
#define refuse(...) settings_refuse (message, key, value, __VA_ARGS__)
#define refuse_number(range) \
  refuse ("not understood; must be %s, " NUMBER_SIZES, range)

typedef int parse_fn (struct settings *settings, const char *key,
                      const char *value,
                      char message[SETTINGS_MESSAGE_MAX]);

static int
settings_parse_size (struct settings *settings, const char *key,
                     const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  uint64_t n;

  if (number_size (value, NUMBER_SECTORS, &n) == -EINVAL)
    return refuse_number ("a multiple of 512 up to 16T");
  if (n > ZRAM_SIZE_MAX)
    return refuse ("too large; the maximum is 16T (%" PRIu64 ")",
                   ZRAM_SIZE_MAX);
  if (n < SECTOR)
    return refuse ("too small; must be a multiple of 512 up to 16T");
  /* A client that counts in sectors would silently lose the end. */
  if (n % SECTOR)
    return refuse ("not a multiple of 512; the nearest are %"
                   PRIu64 " and %" PRIu64, n / SECTOR * SECTOR,
                   n / SECTOR * SECTOR + SECTOR);
  settings->params.size = n;
  return 0;
}

/* Set the level, which algo=zstd:3 and level=3 may both say.  One that does
 * not fit an int has become the largest or the smallest by now:
 * settings_complete quotes what was given, and says the range.
 */
static int
settings_set_level (struct settings *settings, const char *key,
                    const char *value, enum setting other, int level,
                    char message[SETTINGS_MESSAGE_MAX])
{
  struct zram_params *p = &settings->params;
  char text[QUOTE_MAX];

  if (p->has_level && p->level != level)
    return refuse ("contradicts %s=%s", settings_key (other),
                   quote (settings->given[other], text));
  p->level = level;
  p->has_level = true;
  return 0;
}

/* Any name is taken here: the engine knows them, and quotes one that it does
 * not know.
 */
static int
settings_parse_algo (struct settings *settings, const char *key,
                     const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  struct algorithm a;

  if (algorithm_parse (value, &a) < 0)
    return refuse ("what follows the colon must be the level, a whole"
                   " number");
  settings->params.algo = quote (a.name, settings->algo);
  return a.has_level ? settings_set_level (settings, key, value, SETTING_LEVEL,
                                           a.level, message) : 0;
}

static int
settings_parse_level (struct settings *settings, const char *key,
                      const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  int level;

  if (number_integer (value, &level) == -EINVAL)
    return refuse ("not a whole number");
  return settings_set_level (settings, key, value, SETTING_ALGO, level,
                             message);
}

static int
settings_parse_page_size (struct settings *settings, const char *key,
                          const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  static const char range[] = "a power of two from 4K to 64K";
  uint64_t n;

  if (number_size (value, 0, &n) == -EINVAL)
    return refuse_number (range);
  if (n < ZRAM_PAGE_MIN || n > ZRAM_PAGE_MAX || (n & (n - 1)))
    return refuse ("must be %s", range);
  settings->params.page_size = (uint32_t) n;
  return 0;
}

static int
settings_parse_mem_limit (struct settings *settings, const char *key,
                          const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  static const char range[] = "more than 0 bytes or from 1% to 100% of the RAM";
  const char *why;
  uint64_t n;

  if (strchr (value, '%')) {
    why = ram_share_parse (value, &settings->params.mem_limit);
    return why ? refuse ("%s", why) : 0;
  }
  if (number_size (value, 0, &n) == -EINVAL)
    return refuse_number (range);
  if (n > INT64_MAX)
    return refuse ("too large; must be %s", range);
  if (n == 0)
    return refuse ("must be %s; for no limit leave it"
                   " out", range);
  settings->params.mem_limit = n;
  return 0;
}

/* Read a boolean in the words that nbdkit takes. */
static int
settings_parse_boolean (bool *to, const char *key, const char *value,
                        char message[SETTINGS_MESSAGE_MAX])
{
  static const char *const names[][6] = {
    { "0", "false", "f", "no", "n", "off" },
    { "1", "true", "t", "yes", "y", "on" },
  };
  unsigned i, k;

  for (i = 0; i < 2; i++)
    for (k = 0; k < 6; k++)
      if (strcasecmp (value, names[i][k]) == 0) {
        *to = i;
        return 0;
      }
  return refuse ("not understood; must be true or false");
}

static int
settings_parse_track_access (struct settings *settings, const char *key,
                             const char *value,
                             char message[SETTINGS_MESSAGE_MAX])
{
  return settings_parse_boolean (&settings->params.track_access, key, value,
                                 message);
}

static int
settings_parse_swap (struct settings *settings, const char *key,
                     const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  return settings_parse_boolean (&settings->params.swap, key, value, message);
}

static int
settings_parse_swap_reserve (struct settings *settings, const char *key,
                             const char *value,
                             char message[SETTINGS_MESSAGE_MAX])
{
  static const char range[] = "from 0 (none) to 16T";
  uint64_t n;

  if (number_size (value, 0, &n) == -EINVAL)
    return refuse_number (range);
  if (n > ZRAM_SIZE_MAX)
    return refuse ("too large; must be %s", range);
  settings->params.swap_reserve = n;
  return 0;
}

/* Any other word is a file, which is read when all is known. */
static int
settings_parse_dictionary (struct settings *settings, const char *key,
                           const char *value,
                           char message[SETTINGS_MESSAGE_MAX])
{
  enum zram_dictionary *d = &settings->params.dictionary;

  *d = strcmp (value, "auto") == 0 ? ZRAM_DICTIONARY_AUTO
    : strcmp (value, "off") == 0 ? ZRAM_DICTIONARY_OFF
    : ZRAM_DICTIONARY_GIVEN;
  if (*d == ZRAM_DICTIONARY_GIVEN && settings->from_client)
    return refuse ("must be auto or off here: a file is only read when the"
                   " server starts");
  return 0;
}

static int
settings_parse_upkeep (struct settings *settings, const char *key,
                       const char *value, char message[SETTINGS_MESSAGE_MAX])
{
  char why[ZRAM_MESSAGE_MAX];

  return upkeep_setting_parse (value, &settings->params.upkeep, why) < 0
    ? refuse ("%s", why) : 0;
}

/* Where a parameter is kept; a level is two fields. */
#define FIELD(field)                                                    \
  offsetof (struct settings, field),                                    \
    sizeof ((struct settings *) NULL)->field
#define LEVEL                                                           \
  offsetof (struct settings, params.has_level),                         \
    offsetof (struct settings, params.level) + sizeof (int)             \
    - offsetof (struct settings, params.has_level)

/* The table.  nbdkit's shell completion takes its words from --help: a
 * line of it that begins with lower-case letters, dashes and = is a
 * parameter.
 */
static const struct {
  const char *key;
  const char *value;            /* what to write after the = */
  const char *help;
  parse_fn *parse;
  size_t at, size;              /* what it sets in struct settings */
} table[SETTINGS] = {
  [SETTING_SIZE] = { "size", "SIZE",
    "size of the disk, required: a multiple of 512\n"
    "bytes up to 16T, for example 512M or 1.5G\n",
    settings_parse_size, FIELD (params.size) },
  [SETTING_ALGO] = { "algo", "CODEC[:N]",
    "codec, with or without a level:\n",
    settings_parse_algo, FIELD (algo) },
  [SETTING_LEVEL] = { "level", "N",
    "compression level: its range (default), and what\n"
    "a larger level does\n",
    settings_parse_level, LEVEL },
  [SETTING_PAGE_SIZE] = { "page-size", "SIZE",
    "how much to compress at once: a power of two\n"
    "from 4K to 64K, default 4K\n",
    settings_parse_page_size, FIELD (params.page_size) },
  [SETTING_MEM_LIMIT] = { "mem-limit", "SIZE|N%",
    "most memory to hold, in bytes or percent of the\n"
    "RAM; writes that need more fail\n",
    settings_parse_mem_limit, FIELD (params.mem_limit) },
  [SETTING_TRACK_ACCESS] = { "track-access", "BOOL",
    "remember when each page was last accessed,\n"
    "default false\n",
    settings_parse_track_access, FIELD (params.track_access) },
  [SETTING_SWAP] = { "swap", "BOOL",
    "make it safe for this machine to swap to the\n"
    "disk, default false\n",
    settings_parse_swap, FIELD (params.swap) },
  [SETTING_SWAP_RESERVE] = { "swap-reserve", "SIZE",
    "with swap=true: memory kept ready for writes,\n"
    "default 1/32 of the size, from 16M to 64M\n",
    settings_parse_swap_reserve, FIELD (params.swap_reserve) },
  [SETTING_DICTIONARY] = { "dictionary", "WHAT",
    "what zstd knows of pages beforehand:\n"
    "  auto    a dictionary made of the disk's pages,\n"
    "          if it saves memory; not with swap\n"
    "          (default)\n"
    "  off     nothing\n"
    "  FILE    a dictionary made by zstd --train\n",
    settings_parse_dictionary, FIELD (params.dictionary) },
  [SETTING_LATE] = { "late", "SIZE|off",
    "pages that may wait to be compressed, so that what\n"
    "is written again soon never is; default 4M,\n"
    "off with swap=true\n",
    settings_parse_late, FIELD (params.late) },
  [SETTING_UPKEEP] = { "upkeep", "WHAT",
    "what to do about pages that nobody uses:\n"
    "  auto    compress them again, and better;\n"
    "          auto,KEY=N,... changes numbers, which\n"
    "          are in the manual (default)\n"
    "  off     nothing; the default with swap\n",
    settings_parse_upkeep, FIELD (params.upkeep) },
};

const char *
settings_key (enum setting n)
{
  return table[n].key;
}

const char *
settings_value (enum setting n)
{
  return table[n].value;
}

const char *
settings_help (enum setting n)
{
  return table[n].help;
}

/* Dashes and underscores are the same. */
bool
settings_same_key (const char *key, const char *given)
{
  while (*key && (*key == *given || (*key == '-' && *given == '_')))
    key++, given++;
  return *key == *given;
}

static int
settings_refuse_key (const char *key, const char *value,
                     char message[SETTINGS_MESSAGE_MAX])
{
  char names[160] = "";
  unsigned i;

  for (i = 0; i < SETTINGS; i++)
    snprintf (names + strlen (names), sizeof names - strlen (names),
              "%s%s", i ? ", " : "", table[i].key);
  return refuse ("there is no such parameter; there are %s", names);
}

int
settings_set (struct settings *settings, const char *key, const char *value,
              bool *no_such_key, char message[SETTINGS_MESSAGE_MAX])
{
  char text[QUOTE_MAX];
  unsigned i = 0;

  while (i < SETTINGS && !settings_same_key (table[i].key, key))
    i++;
  if (no_such_key)
    *no_such_key = i == SETTINGS;
  if (i == SETTINGS)
    return settings_refuse_key (key, value, message);
  key = table[i].key;
  if (settings->given[i])
    return refuse ("given twice; the first was %s",
                   quote (settings->given[i], text));
  settings->given[i] = value;
  if (!*value)
    return refuse ("the value is missing: %s=%s", key, table[i].value);
  return table[i].parse (settings, key, value, message);
}

#undef refuse

/* Return whether a device keeps its own value, or none, whatever the others
 * have.  Its own level may be that of algo=zstd:3.
 */
static bool
settings_keeps_own (const struct settings *own, enum setting n)
{
  if (n == SETTING_LEVEL)
    return own->given[SETTING_ALGO] || own->params.has_level;
  if (n == SETTING_UPKEEP && own->params.swap)
    return true;
  if (n == SETTING_SWAP_RESERVE && own->given[SETTING_SWAP] &&
      !own->params.swap)
    return true;
  if (n == SETTING_LATE && own->given[SETTING_SWAP] && own->params.swap)
    return true;
  return own->given[n];
}

void
settings_inherit (struct settings *s, const struct settings *others)
{
  const struct settings own = *s;
  unsigned i;

  for (i = 0; i < SETTINGS; i++)
    if (!settings_keeps_own (&own, i)) {
      s->given[i] = others->given[i];
      memcpy ((char *) s + table[i].at, (const char *) others + table[i].at,
              table[i].size);
    }
}
