/* nbdkit-zram: the plugin's parameters, KEY=VALUE on nbdkit's command line.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Those of a device (settings.c) are the defaults of all devices until the
 * first device=NAME, and then that device's own.  Those of the server may
 * stand anywhere.
 */

#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log.h"
#include "number.h"
#include "os.h"
#include "parallel.h"
#include "params.h"
#include "quote.h"

static struct settings defaults;
static struct settings device[DEVICES_MAX];
static unsigned named;          /* devices that have a section of their own */
static unsigned count;          /* what devices= said */
static enum control control = CONTROL_LOCAL;

typedef int parse_fn (const char *key, const char *value,
                      char message[SETTINGS_MESSAGE_MAX]);
#define refuse(...) settings_refuse (message, key, value, __VA_ARGS__)

/* The server's own */

static int
params_parse_devices (const char *key, const char *value,
                      char message[SETTINGS_MESSAGE_MAX])
{
  uint64_t n;

  if (number_count (value, 0, &n) < 0 || n < 1 || n > DEVICES_MAX)
    return refuse ("must be a whole number from 1 to %d", DEVICES_MAX);
  if (named)
    return refuse ("the devices are named with device= already");
  count = (unsigned) n;
  return 0;
}

static int
params_parse_device (const char *key, const char *value,
                     char message[SETTINGS_MESSAGE_MAX])
{
  char next[32];

  if (count)
    return refuse ("devices=%u makes them all alike already", count);
  if (named == DEVICES_MAX)
    return refuse ("too many; there can be %d", DEVICES_MAX);
  snprintf (next, sizeof next, "zram%u", named);
  if (strcmp (value, next) != 0)
    return refuse ("must be %s: devices are named zram0, zram1 and so on,"
                   " in this order", next);
  named++;
  return 0;
}

static const char *const controls[] = {
  [CONTROL_LOCAL] = "local", [CONTROL_TLS] = "tls", [CONTROL_RW] = "rw",
  [CONTROL_RO] = "ro", [CONTROL_OFF] = "off",
};

static int
params_parse_control (const char *key, const char *value,
                      char message[SETTINGS_MESSAGE_MAX])
{
  unsigned i;

  for (i = 0; i < sizeof controls / sizeof controls[0]; i++)
    if (strcmp (controls[i], value) == 0) {
      control = i;
      return 0;
    }
  return refuse ("must be local, tls, rw, ro or off");
}

static int
params_parse_parallel (const char *key, const char *value,
                       char message[SETTINGS_MESSAGE_MAX])
{
  return parallel_set (value) ? 0 : refuse ("must be auto, on or off");
}

static struct {
  const char *key, *value, *help;
  parse_fn *parse;
  const char *given;            /* its value; NULL: it was not given */
} table[] = {
  { "devices", "N",
    "serve N identical disks, zram0 to zramN-1; N is\n"
    "from 1 to 64\n",
    params_parse_devices, NULL },
  { "device", "NAME",
    "the parameters that follow apply to disk NAME\n"
    "only: zram0, then zram1, and so on; those before\n"
    "the first device= apply to all disks\n",
    params_parse_device, NULL },
  { "control", "WHO",
    "who may write to the export control:\n"
    "  local   root and the server's user, on a Unix\n"
    "          socket (default)\n"
    "  tls     the same, and clients with TLS\n"
    "  rw      everybody\n"
    "  ro      nobody\n"
    "  off     nobody; the export does not exist\n",
    params_parse_control, NULL },
  { "parallel", "WHEN",
    "serve the requests of one connection in parallel\n"
    "(those of different connections always are):\n"
    "  auto    if this nbdkit can do so safely, that\n"
    "          is, without ending when a client goes\n"
    "          away (default)\n"
    "  on      always\n"
    "  off     never\n", params_parse_parallel, NULL },
};
#define NPARAMS (sizeof table / sizeof table[0])
_Static_assert (DEVICES_MAX == 64, "the help says so");

static int
params_set_server (unsigned i, const char *value,
                   char message[SETTINGS_MESSAGE_MAX])
{
  const char *key = table[i].key;
  char text[QUOTE_MAX];

  if (table[i].given && table[i].parse != params_parse_device)
    return refuse ("given twice; the first was %s",
                   quote (table[i].given, text));
  table[i].given = value;
  if (!*value)
    return refuse ("the value is missing: %s=%s", key, table[i].value);
  return table[i].parse (key, value, message);
}

static int
params_set_any (const char *key, const char *value,
                char message[SETTINGS_MESSAGE_MAX])
{
  struct settings *s = named ? &device[named - 1] : &defaults;
  bool no_such_key;
  unsigned i;
  int r;

  for (i = 0; i < NPARAMS; i++)
    if (settings_same_key (table[i].key, key))
      return params_set_server (i, value, message);
  r = settings_set (s, key, value, &no_such_key, message);
  /* The message has named the parameters of a device: add the others. */
  for (i = 0; no_such_key && i < NPARAMS; i++) {
    size_t n = strlen (message);

    snprintf (message + n, SETTINGS_MESSAGE_MAX - n, ", %s", table[i].key);
  }
  return r;
}

int
params_set (const char *key, const char *value)
{
  char message[SETTINGS_MESSAGE_MAX];

  if (params_set_any (key, value, message) == 0)
    return 0;
  nbdkit_error ("%s", message);
  return -1;
}

#undef refuse

static void
params_warn_limit (const struct settings *s)
{
  uint64_t ram = os_ram ();
  char line[SETTINGS_MESSAGE_MAX];

  if (!ram || s->params.mem_limit <= ram)
    return;
  snprintf (line, sizeof line, "mem-limit=%s: more than the %" PRIu64
            "M of RAM of this machine", s->given[SETTING_MEM_LIMIT],
            ram >> 20);
  log_warn_starter (line);
}

static void
params_warn_parallel (void)
{
  if (parallel_on () && !parallel_is_safe ())
    log_warn_starter ("parallel=on: a client that goes away can end this"
                      " nbdkit, and all data is lost");
}

int
params_complete (struct params *params)
{
  char message[SETTINGS_MESSAGE_MAX];
  unsigned i;

  params->control = control;
  params->devices = named ? named : count ? count : 1;
  params->device = device;
  for (i = 0; i < params->devices; i++) {
    settings_inherit (&device[i], &defaults);
    if (settings_complete (&device[i], message) == -1) {
      if (named)
        nbdkit_error ("device=zram%u: %s", i, message);
      else
        nbdkit_error ("%s", message);
      return -1;
    }
    if (named || i == 0)
      params_warn_limit (&device[i]);
  }
  params_warn_parallel ();
  return 0;
}

/* Help */

#define HELP_INDENT 20

char params_help[8192];

static void __attribute__ ((format (printf, 1, 2)))
params_help_add (const char *fmt, ...)
{
  size_t len = strlen (params_help);
  va_list args;

  va_start (args, fmt);
  vsnprintf (params_help + len, sizeof params_help - len, fmt, args);
  va_end (args);
}

static void
params_help_codecs (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    bool is_default = strcmp (info->name, zram_codec_default ()) == 0;

    params_help_add ("%*s%s%s%s%s\n", HELP_INDENT + 2, "", info->name,
                     info->alias ? ", also called " : "",
                     info->alias ? info->alias : "",
                     is_default ? " (default)" : "");
  }
}

static void
params_help_levels (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    params_help_add ("%*s%-8s ", HELP_INDENT + 2, "", info->name);
    if (info->level_min > info->level_max)
      params_help_add ("has no levels\n");
    else
      params_help_add ("%d to %d (%d): %s\n", info->level_min, info->level_max,
                       info->level_default, info->level_means);
  }
}

static void
params_help_param (const char *key, const char *value, const char *lines)
{
  int used = (int) (strlen (key) + 1 + strlen (value));

  params_help_add ("%s=%s", key, value);
  while (*lines) {
    int n = (int) strcspn (lines, "\n");

    params_help_add ("%*s%.*s\n", HELP_INDENT - used, "", n, lines);
    lines += n + 1;
    used = 0;
  }
}

void
params_load (void)
{
  unsigned i;

  params_help[0] = '\0';
  for (i = 0; i < SETTINGS; i++) {
    params_help_param (settings_key (i), settings_value (i), settings_help (i));
    /* What is known only when it runs. */
    if (i == SETTING_ALGO)
      params_help_codecs ();
    if (i == SETTING_LEVEL)
      params_help_levels ();
  }
  for (i = 0; i < NPARAMS; i++)
    params_help_param (table[i].key, table[i].value, table[i].help);
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
  printf ("zram_parallel=%s\n", parallel_on () ? "yes" : "no");
  printf ("zram_parallel_safe=%s\n", parallel_is_safe () ? "yes" : "no");
  printf ("zram_size_max=%" PRIu64 "\n", ZRAM_SIZE_MAX);
  printf ("zram_devices_max=%d\n", DEVICES_MAX);
  printf ("zram_page_size_min=%" PRIu32 "\n", ZRAM_PAGE_MIN);
  printf ("zram_page_size_max=%" PRIu32 "\n", ZRAM_PAGE_MAX);
}
