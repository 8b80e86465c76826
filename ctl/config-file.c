/* nbdzramctl: a file that describes a server and what is done with its disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines of KEY = VALUE, as zram-generator has them, with # before a comment.
 * The keys below are the tool's; all others are parameters of the plugin,
 * which knows best what it takes.
 */

#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config-file.h"
#include "escape.h"
#include "message.h"
#include "must.h"
#include "number.h"
#include "os.h"

static const struct own_key {
  const char *name;
  size_t option;                /* where in struct options */
} own_keys[] = {
  { "threads", offsetof (struct options, threads) },
  { "max-clients", offsetof (struct options, max_clients) },
  { "nbd-device", offsetof (struct options, device) },
  { "nbd-connections", offsetof (struct options, connections) },
  { "nbd-timeout", offsetof (struct options, nbd_timeout) },
  { "swap-priority", offsetof (struct options, priority) },
  { "swap-discard", offsetof (struct options, discard) },
  { "fs-type", offsetof (struct options, fs_type) },
  { "mount-point", offsetof (struct options, mount_point) },
  { "mount-options", offsetof (struct options, mount_options) },
};
#define N_OWN_KEYS (sizeof own_keys / sizeof own_keys[0])

/* How long a file may be.  The longest that is of use, with all settings of 64
 * devices, is a tenth of it.
 */
#define CONFIG_FILE_MAX (1 << 20)

/* The largest size, in percent of the RAM. */
#define SHARE_MAX 1000

struct setting {
  const struct own_key *own;    /* NULL: the plugin's */
  unsigned line;
  char *word;                   /* KEY=VALUE */
  const char *value;            /* within it */
};

static const struct own_key *
config_own_key (const char *name)
{
  size_t i;

  for (i = 0; i < N_OWN_KEYS; i++)
    if (strcmp (own_keys[i].name, name) == 0)
      return &own_keys[i];
  return NULL;
}

/* Cut off spaces at both ends, in place. */
static char *
config_trim (char *s)
{
  size_t n;

  s += strspn (s, " \t");
  for (n = strlen (s); n && strchr (" \t\r\n", s[n - 1]); n--)
    s[n - 1] = '\0';
  return s;
}

/* Turn a percentage of the RAM into MiB.  The plugin does not take one,
 * because a disk's size is no amount of memory.  Whole MiB suit mkswap and
 * partitions.  NULL with a fault.  To be freed.
 */
static char *
config_size_of_share (const char *value)
{
  unsigned percent;

  if (number_percent (value, SHARE_MAX, &percent) == 0)
    return must_printf ("%" PRIu64 "M", number_share (os_ram () >> 20,
                                                      percent));
  fault ("size = %s: a part of the RAM must be 1%% to 1000%%", value);
  return NULL;
}

static bool
config_is_key (const char *s)
{
  return islower ((unsigned char) *s) &&
         !s[strspn (s, "abcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static bool
config_is_set (const struct config *c, const struct own_key *own)
{
  size_t i;

  for (i = 0; i < c->n; i++)
    if (c->settings[i].own == own)
      return true;
  return false;
}

static void
config_append (struct config *c, unsigned line, const char *key,
               const char *value)
{
  size_t n = c->n++;
  struct setting *s;

  c->settings = must_resize (c->settings, c->n * sizeof *s);
  s = &c->settings[n];
  s->own = config_own_key (key);
  s->line = line;
  s->word = must_printf ("%s=%s", key, value);
  s->value = s->word + strlen (key) + 1;
}

/* Add a setting with a value, which is not empty.  -1 with a fault. */
static int
config_add (struct config *c, unsigned line, const char *key, const char *value)
{
  const struct own_key *own = config_own_key (key);
  FREED char *share = NULL;

  if (own && config_is_set (c, own))
    return fault ("%s is set twice", key);
  if (strcmp (key, "size") == 0 && value[strlen (value) - 1] == '%') {
    share = config_size_of_share (value);
    if (!share)
      return -1;
    value = share;
  }
  config_append (c, line, key, value);
  return 0;
}

/* Refuse what nbdkit's filter would take from the plugin. */
static int
config_check_key (const char *key)
{
  if (!config_is_key (key))
    return fault ("%s: this is no key", key);
  if (strcmp (key, "limit") == 0)
    return fault ("limit: there is no such parameter; max-clients says how"
                  " many clients there may be");
  return 0;
}

static int
config_read_line (struct config *c, unsigned n, char *line, size_t length)
{
  char *equals, *key, *value;

  if (memchr (line, '\0', length))
    return fault ("there is a NUL byte in this line");
  line[strcspn (line, "#")] = '\0';
  line = config_trim (line);
  if (!*line)
    return 0;
  equals = strchr (line, '=');
  if (!equals)
    return fault ("%s: must be KEY = VALUE", line);
  *equals = '\0';
  key = config_trim (line);
  value = config_trim (equals + 1);
  if (config_check_key (key) < 0)
    return -1;
  if (!*value)
    return fault ("%s has no value", key);
  return config_add (c, n, key, value);
}

static int
config_fault_long (const char *path)
{
  return fault ("%s: must not be longer than %d bytes", path,
                CONFIG_FILE_MAX);
}

/* Open a file, but none that can wait or has no end.  NULL with a fault. */
static FILE *
config_open (const char *path)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat st;
  FILE *fp = NULL;

  if (fd < 0 || fstat (fd, &st) < 0)
    fault ("%s: %s", path, strerror (errno));
  else if (!S_ISREG (st.st_mode))
    fault ("%s: must be a file, not a pipe, a device or a directory", path);
  else if (st.st_size > CONFIG_FILE_MAX)
    config_fault_long (path);
  else {
    fp = fdopen (fd, "r");
    if (!fp)
      fault ("%s: %s", path, strerror (errno));
  }
  if (!fp && fd >= 0)
    close (fd);
  return fp;
}

/* Read the lines in n bytes, which end with a newline. */
static int
config_read_lines (struct config *c, char *text, size_t n)
{
  char *end, *all = text + n;
  unsigned line = 0;

  for (; text < all; text = end + 1) {
    end = memchr (text, '\n', (size_t) (all - text));
    *end = '\0';
    line++;
    if (config_read_line (c, line, text, (size_t) (end - text)) < 0)
      return fault ("%s:%u: %s", c->path, line, fault_text ());
  }
  return 0;
}

/* Read all of a file.  Some files have no size before they are read, and some
 * grow meanwhile.
 */
static int
config_read_file (struct config *c, FILE *fp)
{
  FREED char *text = must_alloc (CONFIG_FILE_MAX + 2, 1);
  size_t n = fread (text, 1, CONFIG_FILE_MAX + 1, fp);

  if (ferror (fp))
    return fault ("%s: %s", c->path, strerror (errno));
  if (n > CONFIG_FILE_MAX)
    return config_fault_long (c->path);
  if (n && text[n - 1] != '\n')
    text[n++] = '\n';
  return config_read_lines (c, text, n);
}

int
config_read (const char *path, struct config *c)
{
  FILE *fp;
  int r;

  memset (c, 0, sizeof *c);
  c->path = path;
  if (!path)
    return 0;
  fp = config_open (path);
  if (!fp)
    return -1;
  r = config_read_file (c, fp);
  fclose (fp);
  if (r < 0)
    config_free (c);
  return r;
}

void
config_free (struct config *c)
{
  while (c->n)
    free (c->settings[--c->n].word);
  free (c->settings);
  c->settings = NULL;
}

static void
config_set_option (const struct setting *s, struct options *o)
{
  const char **option;

  if (!s->own)
    return;
  option = (const char **) (void *) ((char *) o + s->own->option);
  if (!*option)
    *option = s->value;
}

void
config_options (const struct config *c, struct options *o)
{
  size_t i;

  for (i = 0; i < c->n; i++)
    config_set_option (&c->settings[i], o);
}

int
config_take (const struct options *o, config_checker *check, struct config *c,
             struct options *with)
{
  *with = *o;
  memset (c, 0, sizeof *c);
  if (check (o) < 0)
    return usage ("%s", fault_text ());
  if (config_read (o->config, c) < 0)
    return failed ();
  config_options (c, with);
  return EXIT_OK;
}

/* --- Checking ------------------------------------------------------------ */

/* Put the place in the file before the fault, and the name of the key in place
 * of the option's: the fault says "--priority 7: ...".
 */
static int
config_fault_setting (const struct config *c, const struct setting *s)
{
  FREED char *why = must_copy (fault_text ());
  FREED char *safe = text_escape (s->value);
  const char *after = strstr (why, safe);

  return fault ("%s:%u: %s = %s%s", c->path, s->line, s->own->name, safe,
                after ? after + strlen (safe) : why);
}

static int
config_check_setting (const struct setting *s, config_checker *fn)
{
  struct options o = { 0 };

  config_set_option (s, &o);
  return fn (&o);
}

int
config_check (const struct config *c, config_checker *fn)
{
  size_t i;

  for (i = 0; i < c->n; i++)
    if (config_check_setting (&c->settings[i], fn) < 0)
      return config_fault_setting (c, &c->settings[i]);
  return 0;
}

/* Find the i-th parameter of the plugin. */
static const struct setting *
config_find_parameter (const struct config *c, size_t i)
{
  size_t j;

  for (j = 0; j < c->n; j++)
    if (!c->settings[j].own && i-- == 0)
      return &c->settings[j];
  return NULL;
}

int
config_blame (const struct config *c, size_t i)
{
  return fault ("%s:%u: %s", c->path, config_find_parameter (c, i)->line,
                fault_text ());
}

const char *
config_serve (const struct config *c, const char *key)
{
  size_t i;

  for (i = 0; i < c->n; i++)
    if (c->settings[i].own && strcmp (c->settings[i].own->name, key) == 0)
      return c->settings[i].value;
  return NULL;
}

const char *
config_parameter (const struct config *c, size_t i)
{
  const struct setting *s = config_find_parameter (c, i);

  return s ? s->word : NULL;
}
