/* nbdkit-zram: the plugin's parameters, KEY=VALUE on nbdkit's command line.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A value is checked as far as it can be alone when it is given, so that
 * the message can quote it.  What depends on other parameters (the level,
 * on the codec) waits until all of them are known.
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log.h"
#include "params.h"

#define SECTOR 512

static struct zram_params params;

struct param {
  const char *key;
  const char *value;            /* what to write after the = */
  const char *help;
  void (*help_more) (void);     /* what is only known at run time */
  int (*parse) (const char *key, const char *value);
  const char *given;            /* its value, NULL as long as it has none */
};

static int parse_size (const char *key, const char *value);
static int parse_algo (const char *key, const char *value);
static int parse_level (const char *key, const char *value);
static int parse_page_size (const char *key, const char *value);
static int parse_mem_limit (const char *key, const char *value);
static void help_codecs (void);
static void help_levels (void);

/* nbdkit's shell completion takes its words from --help: a line of it that
 * begins with lower-case letters, dashes and = is a parameter.
 */
static struct param table[] = {
  { "size", "SIZE",
    "size of the disk, required: a multiple of 512\n"
    "bytes up to 16T; suffixes K, M, G, T\n", NULL, parse_size, NULL },
  { "algo", "CODEC",
    "how to compress:\n", help_codecs, parse_algo, NULL },
  { "level", "N",
    "compression level: range, (default), and what a\n"
    "larger level does\n",
    help_levels, parse_level, NULL },
  { "page-size", "SIZE",
    "compress so much at once: a power of two from\n"
    "4K to 64K, default 4K\n", NULL, parse_page_size, NULL },
  { "mem-limit", "SIZE|N%",
    "hold no more memory than SIZE bytes or N percent\n"
    "of the RAM; writes that need more fail\n", NULL, parse_mem_limit, NULL },
};
#define NPARAMS (sizeof table / sizeof table[0])

_Static_assert (ZRAM_SIZE_MAX == UINT64_C (16) << 40 &&
                ZRAM_PAGE_MIN == 4096 && ZRAM_PAGE_MAX == 65536,
                "the help and the messages say so");

/* Numbers */

/* A whole number of bytes with one of nbdkit's suffixes; UINT64_MAX if it
 * is larger than that.  False: it is something else.  The grammar is that
 * of nbdkit_parse_size, whose messages do not say which parameter it was.
 */
static bool
parse_bytes (const char *text, uint64_t *bytes)
{
  static const char suffixes[] = "bkmgtpe";
  unsigned shift = 0;
  uint64_t n = 0;

  if (!isdigit ((unsigned char) *text))
    return false;
  for (; isdigit ((unsigned char) *text); text++) {
    if (__builtin_mul_overflow (n, UINT64_C (10), &n) ||
        __builtin_add_overflow (n, (uint64_t) (*text - '0'), &n))
      n = UINT64_MAX;
  }
  if (*text) {
    int c = tolower ((unsigned char) *text);
    const char *suffix = strchr (suffixes, c);

    if (text[1] || (!suffix && c != 's'))
      return false;
    shift = suffix ? 10 * (unsigned) (suffix - suffixes) : 9;
  }
  *bytes = n > UINT64_MAX >> shift ? UINT64_MAX : n << shift;
  return true;
}

/* The one way to say what is wrong with a value; returns -1. */
static int __attribute__ ((format (printf, 3, 4)))
refuse (const char *key, const char *value, const char *fmt, ...)
{
  char text[LOG_TEXT_MAX], why[512];
  va_list args;

  va_start (args, fmt);
  vsnprintf (why, sizeof why, fmt, args);
  va_end (args);
  nbdkit_error ("%s=%s: %s", key, log_text (value, text), why);
  return -1;
}

static int
refuse_number (const char *key, const char *value, const char *range)
{
  return refuse (key, value, "not understood; must be %s (suffixes b,"
                 " s = 512, K, M, G, T, P, E)", range);
}

/* The parameters */

static int
parse_size (const char *key, const char *value)
{
  uint64_t n;

  if (!parse_bytes (value, &n))
    return refuse_number (key, value, "a multiple of 512 up to 16T");
  if (n > ZRAM_SIZE_MAX)
    return refuse (key, value, "too large; the maximum is 16T (%" PRIu64 ")",
                   ZRAM_SIZE_MAX);
  if (n < SECTOR)
    return refuse (key, value, "too small; must be a multiple of 512 up to"
                   " 16T");
  /* Clients that count in sectors would lose the end without a word. */
  if (n % SECTOR)
    return refuse (key, value, "not a multiple of 512; the nearest are %"
                   PRIu64 " and %" PRIu64, n / SECTOR * SECTOR,
                   n / SECTOR * SECTOR + SECTOR);
  params.size = n;
  return 0;
}

/* The engine knows the names, and quotes one that it does not know. */
static int
parse_algo (const char *key, const char *value)
{
  static char name[LOG_TEXT_MAX];

  (void) key;
  params.algo = log_text (value, name);
  return 0;
}

/* The end of an integer may lie far beyond what any codec takes, so one
 * that is too long for us is as good as the longest: params_complete says
 * what was given, and the range.
 */
static int
parse_level (const char *key, const char *value)
{
  const char *digits = value + (*value == '-' || *value == '+');
  long n;

  if (!*digits || digits[strspn (digits, "0123456789")])
    return refuse (key, value, "not a whole number");
  n = strtol (value, NULL, 10);
  params.level = n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int) n;
  params.has_level = true;
  return 0;
}

static int
parse_page_size (const char *key, const char *value)
{
  static const char range[] = "a power of two from 4K to 64K";
  uint64_t n;

  if (!parse_bytes (value, &n))
    return refuse_number (key, value, range);
  if (n < ZRAM_PAGE_MIN || n > ZRAM_PAGE_MAX || (n & (n - 1)))
    return refuse (key, value, "must be %s", range);
  params.page_size = (uint32_t) n;
  return 0;
}

static uint64_t
ram_bytes (void)
{
  long pages = sysconf (_SC_PHYS_PAGES), page = sysconf (_SC_PAGESIZE);

  return pages > 0 && page > 0 ? (uint64_t) pages * (uint64_t) page : 0;
}

static int
parse_percent_of_ram (const char *key, const char *value)
{
  size_t digits = strspn (value, "0123456789");
  uint64_t ram = ram_bytes ();
  long percent = strtol (value, NULL, 10);

  if (!digits || strcmp (value + digits, "%") != 0 ||
      percent < 1 || percent > 100)
    return refuse (key, value, "a percentage of the RAM is a whole number"
                   " from 1%% to 100%%");
  if (!ram)
    return refuse (key, value, "this system does not tell how much RAM it"
                   " has; give a number of bytes");
  params.mem_limit = ram * (uint64_t) percent / 100;
  return 0;
}

static int
parse_mem_limit (const char *key, const char *value)
{
  static const char range[] = "more than 0 bytes or from 1% to 100% of the RAM";
  uint64_t n;

  if (strchr (value, '%'))
    return parse_percent_of_ram (key, value);
  if (!parse_bytes (value, &n))
    return refuse_number (key, value, range);
  if (n > INT64_MAX)
    return refuse (key, value, "too large; must be %s", range);
  if (n == 0)
    return refuse (key, value, "must be %s; for no limit leave it"
                   " out", range);
  params.mem_limit = n;
  return 0;
}

/* Dashes and underscores are the same. */
static bool
same_key (const char *a, const char *b)
{
  while (*a && (*a == *b || (*a == '-' && *b == '_')))
    a++, b++;
  return *a == *b;
}

int
params_set (const char *key, const char *value)
{
  char names[128] = "", text[LOG_TEXT_MAX];
  size_t i;

  for (i = 0; i < NPARAMS; i++) {
    struct param *p = &table[i];

    if (!same_key (p->key, key)) {
      snprintf (names + strlen (names), sizeof names - strlen (names),
                "%s%s", i ? ", " : "", p->key);
      continue;
    }
    if (p->given)
      return refuse (p->key, value, "given twice; the first was %s",
                     log_text (p->given, text));
    p->given = value;
    if (!*value)
      return refuse (p->key, value, "the value is missing: %s=%s",
                     p->key, p->value);
    return p->parse (p->key, value);
  }
  return refuse (key, value, "there is no such parameter; there are %s",
                 names);
}

static const char *
given (const char *key)
{
  size_t i = 0;

  while (strcmp (table[i].key, key) != 0)
    i++;
  return table[i].given;
}

int
params_complete (struct zram_params *r)
{
  char message[ZRAM_MESSAGE_MAX];
  uint64_t ram = ram_bytes ();

  if (!given ("size")) {
    nbdkit_error ("how large is the disk to be?  size=SIZE is required,"
                  " for example size=2G");
    return -1;
  }
  if (zram_params_check (&params, message) < 0) {
    if (params.level == INT_MAX || params.level == INT_MIN)
      return refuse ("level", given ("level"), "%s", message);
    nbdkit_error ("%s", message);
    return -1;
  }
  /* Not nbdkit_error: the server does start.  nbdkit has no call for
   * warnings, and writes its own as we do here.
   */
  if (ram && params.mem_limit > ram)
    fprintf (stderr, "nbdkit: zram: warning: mem-limit=%s: more than the %"
             PRIu64 "M of RAM of this machine\n", given ("mem-limit"),
             ram >> 20);
  *r = params;
  return 0;
}

/* Help */

#define HELP_INDENT 20

char params_help[4096];

static void __attribute__ ((format (printf, 1, 2)))
help_add (const char *fmt, ...)
{
  size_t len = strlen (params_help);
  va_list args;

  va_start (args, fmt);
  vsnprintf (params_help + len, sizeof params_help - len, fmt, args);
  va_end (args);
}

static void
help_codecs (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    bool is_default = strcmp (info->name, zram_codec_default ()) == 0;

    help_add ("%*s%s%s%s%s\n", HELP_INDENT + 2, "", info->name,
              info->alias ? ", also called " : "",
              info->alias ? info->alias : "",
              is_default ? " (default)" : "");
  }
}

static void
help_levels (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    help_add ("%*s%-8s ", HELP_INDENT + 2, "", info->name);
    if (info->level_min > info->level_max)
      help_add ("has no levels\n");
    else
      help_add ("%d to %d (%d): %s\n", info->level_min, info->level_max,
                info->level_default, info->level_means);
  }
}

void
params_load (void)
{
  size_t i;

  params_help[0] = '\0';
  for (i = 0; i < NPARAMS; i++) {
    const struct param *p = &table[i];
    const char *line = p->help;
    int used = (int) (strlen (p->key) + 1 + strlen (p->value));

    help_add ("%s=%s", p->key, p->value);
    while (*line) {
      int n = (int) strcspn (line, "\n");

      help_add ("%*s%.*s\n", HELP_INDENT - used, "", n, line);
      line += n + 1;
      used = 0;
    }
    if (p->help_more)
      p->help_more ();
  }
}

void
params_dump (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  printf ("zram_codecs=");
  for (i = 0; (info = zram_codec_info (i)) != NULL; i++)
    printf ("%s%s", i ? " " : "", info->name);
  printf ("\nzram_codec_default=%s\n", zram_codec_default ());
  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    printf ("zram_codec_%s=%s\n", info->name, info->version);
    if (info->level_min <= info->level_max)
      printf ("zram_codec_%s_levels=%d..%d\n", info->name,
              info->level_min, info->level_max);
  }
  printf ("zram_size_max=%" PRIu64 "\n", ZRAM_SIZE_MAX);
  printf ("zram_page_size_min=%" PRIu32 "\n", ZRAM_PAGE_MIN);
  printf ("zram_page_size_max=%" PRIu32 "\n", ZRAM_PAGE_MAX);
}
