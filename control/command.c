/* nbdkit-zram: the commands of the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   DEVICE ATTRIBUTE VALUE     set it
 *   show DEVICE ATTRIBUTE      or show stats.json, show metrics
 *   hot_add [size=]SIZE KEY=VALUE...  answers the number
 *   hot_remove N
 *   help
 *
 * A command is understood as a whole before anything is done.  None opens
 * a file, and none waits for a client.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "command.h"
#include "devices.h"
#include "report.h"
#include "settings.h"
#include "swap.h"

/* More words than any command has. */
#define WORDS_MAX 32

struct command {
  char line[COMMAND_MAX + 1];   /* with a NUL after each word */
  char text[COMMAND_MAX + 1];   /* as it was written */
  unsigned n;
  char *word[WORDS_MAX];
};

/* Answer what went wrong, and return the error. */
static int __attribute__ ((format (printf, 3, 4)))
command_refuse (struct strbuf *answer, int error, const char *format, ...)
{
  char why[1024];
  va_list args;

  va_start (args, format);
  vsnprintf (why, sizeof why, format, args);
  va_end (args);
  strbuf_cut (answer, 0);
  strbuf_printf (answer, "error: %s\n", why);
  return error;
}

/* The functions here have the answer at hand. */
#define refuse(...) command_refuse (answer, __VA_ARGS__)

/* Lists for messages: "zram0, zram1" */

static const char *
command_list_devices (char *buf, size_t size)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);
  size_t len = 0;

  snprintf (buf, size, "none");
  for (i = 0; i < n; i++) {
    if (len < size)
      len += (size_t) snprintf (buf + len, size - len, "%s%s",
                                i ? ", " : "", devices[i]->name);
    device_put (devices[i]);
  }
  return buf;
}

static const char *
command_list_attrs (unsigned mode, char *buf, size_t size)
{
  const struct attr *a;
  size_t len = 0;
  unsigned i;

  for (i = 0; (a = attr_get (i)) != NULL && len < size; i++)
    if (a->mode & mode)
      len += (size_t) snprintf (buf + len, size - len, "%s%s",
                                len ? ", " : "", a->name);
  return buf;
}

/* Find what a command names. */

#define LIST_MAX 600

static struct device *
command_device (const char *word, struct strbuf *answer)
{
  int number = device_number (word, strlen (word));
  struct device *dev = number < 0 ? NULL : device_get ((unsigned) number);
  char names[LIST_MAX];

  if (!dev)
    refuse (0, "there is no device '%.64s'; there are: %s", word,
            command_list_devices (names, sizeof names));
  return dev;
}

static const struct attr *
command_attr (const char *word, unsigned mode, struct strbuf *answer)
{
  const struct attr *a = attr_find (word);
  char names[LIST_MAX];

  command_list_attrs (mode, names, sizeof names);
  if (!a)
    refuse (0, "there is no attribute '%.64s'; there are: %s", word,
            names);
  else if (!(a->mode & mode)) {
    refuse (0, "%s can only be %s; there are: %s", word,
            mode == ATTR_READ ? "written" : "read", names);
    a = NULL;
  }
  return a;
}

/* show */

static int
command_shown (const char *what, struct strbuf *answer)
{
  if (answer->error == -ENOBUFS)
    return refuse (-ENOSPC, "%s is longer than an answer can be:"
                   " read the export of that name", what);
  if (answer->error)
    return refuse (-ENOMEM, "not enough memory to show %s", what);
  return 0;
}

static int
command_show (struct command *c, struct strbuf *answer)
{
  const struct attr *a;
  const struct report *report;
  struct device_view view;
  struct device *dev;

  strbuf_printf (answer, "ok\n");
  report = c->n == 2 ? report_find (c->word[1]) : NULL;
  if (report) {
    report->add (answer);
    return command_shown (report->name, answer);
  }
  if (c->n != 3)
    return refuse (-EINVAL, "show what?  show DEVICE ATTRIBUTE, show"
                   " stats.json or show metrics");
  a = command_attr (c->word[2], ATTR_READ, answer);
  if (!a)
    return -EINVAL;
  dev = command_device (c->word[1], answer);
  if (!dev)
    return -EINVAL;
  view = device_look (dev);
  attr_show (a, &view, answer);
  device_put (dev);
  return command_shown (a->name, answer);
}

/* hot_add and hot_remove */

static int
command_hot_add (struct command *c, struct strbuf *answer)
{
  struct settings settings = { .given = { NULL }, .from_client = true };
  char message[SETTINGS_MESSAGE_MAX], why[ZRAM_MESSAGE_MAX], *value;
  unsigned i, number;
  int r;

  for (i = 1; i < c->n; i++) {
    value = strchr (c->word[i], '=');
    /* As on the command line, the size may stand alone before the rest. */
    if (!value && i == 1) {
      if (settings_set (&settings, "size", c->word[i], NULL, message) == -1)
        return refuse (-EINVAL, "%s", message);
      continue;
    }
    if (!value)
      return refuse (-EINVAL, "'%.64s' is not KEY=VALUE, for example"
                     " size=1G", c->word[i]);
    *value++ = '\0';
    if (settings_set (&settings, c->word[i], value, NULL, message) == -1)
      return refuse (-EINVAL, "%s", message);
  }
  if (settings_complete (&settings, message) == -1)
    return refuse (-EINVAL, "%s", message);
  if (settings.params.swap && !swap_taken ())
    return refuse (-EINVAL, "swap=true: only if the server was"
                   " started with a disk that has it");
  r = device_add (&settings.params, &number, why);
  if (r < 0)
    return refuse (r, "%s", why);
  strbuf_printf (answer, "ok\n%u\n", number);
  return 0;
}

static int
command_hot_remove (struct command *c, struct strbuf *answer)
{
  char name[16], names[LIST_MAX], why[ZRAM_MESSAGE_MAX];
  int number = -1, r;

  if (c->n == 2 && strlen (c->word[1]) <= 2) {
    snprintf (name, sizeof name, "zram%s", c->word[1]);
    number = device_number (name, strlen (name));
  }
  if (number < 0)
    return refuse (-EINVAL, "hot_remove%s%.64s: must be the number"
                   " of a device; there are: %s", c->n > 1 ? " " : "",
                   c->n > 1 ? c->word[1] : "",
                   command_list_devices (names, sizeof names));
  r = device_remove ((unsigned) number, why);
  if (r < 0)
    return refuse (r, "%s", why);
  strbuf_printf (answer, "ok\n");
  return 0;
}

/* DEVICE ATTRIBUTE VALUE */

static const char *
command_skip_spaces (const char *s)
{
  return s + strspn (s, " \t");
}

/* Copy all that follows the first two words to value, without spaces around
 * it.  Tabs become spaces, for an answer must not contain any.
 */
static void
command_value (const struct command *c, char *value)
{
  const char *from = command_skip_spaces (c->text);
  size_t n, i;

  from += strcspn (from, " \t");
  from = command_skip_spaces (from);
  from += strcspn (from, " \t");
  from = command_skip_spaces (from);
  n = strlen (from);
  while (n && strchr (" \t", from[n - 1]))
    n--;
  for (i = 0; i < n; i++)
    value[i] = from[i] == '\t' ? ' ' : from[i];
  value[n] = '\0';
}

/* Set an attribute; while no client is connected, if this value would do harm
 * to one.
 */
static int
command_store_alone (struct device *dev, const struct attr *a,
                     const char *value, char why[ZRAM_MESSAGE_MAX])
{
  int r;

  if (!a->harms_clients (dev->disk, value))
    return a->store (dev->disk, value, why);
  r = device_alone (dev, why);
  if (r < 0)
    return r;
  r = a->store (dev->disk, value, why);
  device_share (dev);
  return r;
}

static int
command_store (struct device *dev, const struct attr *a, const char *value,
               struct strbuf *answer)
{
  char why[ZRAM_MESSAGE_MAX] = "";
  const char *hint;
  int r;

  if (a->harms_clients) {
    pthread_mutex_lock (&dev->harmful);
    r = command_store_alone (dev, a, value, why);
    pthread_mutex_unlock (&dev->harmful);
  }
  else
    r = a->store (dev->disk, value, why);
  if (r < 0 && !*value && !a->optional)
    return refuse (r, "%s %s: the value is missing: must be %s",
                   dev->name, a->name, a->values);
  hint = r == -EBUSY ? a->busy_hint : NULL;
  if (r < 0)
    return refuse (r, "%s %s: %s%s%s", dev->name, a->name,
                   *why ? why : "it went wrong", hint ? "; " : "",
                   hint ? hint : "");
  strbuf_printf (answer, *why ? "ok\n%s\n" : "ok\n", why);
  return 0;
}

static int
command_attribute (struct command *c, struct strbuf *answer)
{
  char value[COMMAND_MAX + 1], names[LIST_MAX];
  const struct attr *a;
  struct device *dev;
  int r;

  dev = command_device (c->word[0], answer);
  if (!dev)
    return -EINVAL;
  if (c->n < 2) {
    r = refuse (-EINVAL, "%s: set what?  There are: %s", dev->name,
                command_list_attrs (ATTR_WRITE, names, sizeof names));
    device_put (dev);
    return r;
  }
  a = command_attr (c->word[1], ATTR_WRITE, answer);
  command_value (c, value);
  r = a ? command_store (dev, a, value, answer) : -EINVAL;
  device_put (dev);
  return r;
}

/* The table */

static int command_help (struct command *c, struct strbuf *answer);

static const struct {
  const char *name, *operands, *help;
  int (*run) (struct command *c, struct strbuf *answer);
} commands[] = {
  { "show", "DEVICE ATTRIBUTE", "answer with the text of the attribute;"
    " also show stats.json and show metrics", command_show },
  { "hot_add", "[size=]SIZE [KEY=VALUE...]", "make a device with these"
    " parameters, and answer with its number", command_hot_add },
  { "hot_remove", "N", "remove device zramN and all data on it",
    command_hot_remove },
  { "help", "", "print this text", command_help },
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

static int
command_help (struct command *c, struct strbuf *answer)
{
  const struct attr *a;
  unsigned i;

  if (c->n != 1)
    return refuse (-EINVAL, "help has no operands: '%.64s'",
                   c->word[1]);
  strbuf_printf (answer, "ok\nWrite one command at offset 0, then read its"
                 " answer at offset 0 on the same connection.\n\n"
                 "DEVICE ATTRIBUTE VALUE\n  set the attribute\n");
  for (i = 0; i < NCOMMANDS; i++)
    strbuf_printf (answer, "%s%s%s\n  %s\n", commands[i].name,
                   *commands[i].operands ? " " : "", commands[i].operands,
                   commands[i].help);
  strbuf_printf (answer, "\nThe attributes of a device:\n");
  for (i = 0; (a = attr_get (i)) != NULL; i++) {
    strbuf_printf (answer, "%-16s %04o  %s\n", a->name, a->mode, a->help);
    if (a->values)
      strbuf_printf (answer, "%22s  to write: %s\n", "", a->values);
  }
  return 0;
}

/* Check that what was written is one line of text.  Return its length, or
 * -EINVAL with the answer.
 */
static int
command_check (const char *written, size_t n, struct strbuf *answer)
{
  size_t len = 0, i;

  while (len < n && written[len] != '\n' && written[len] != '\0') {
    unsigned char ch = (unsigned char) written[len];

    if (len == COMMAND_MAX)
      return refuse (-EINVAL, "a command has at most %d bytes",
                     COMMAND_MAX);
    if ((ch < ' ' && ch != '\t') || ch >= 0x7f)
      return refuse (-EINVAL, "byte %zu of the command is 0x%02x:"
                     " a command is one line of ASCII text", len, ch);
    len++;
  }
  for (i = len + (len < n && written[len] == '\n'); i < n; i++)
    if (written[i])
      return refuse (-EINVAL, "byte %zu comes after the end of the"
                     " line: one command a write", i);
  return (int) len;
}

int
command_run (const char *written, size_t n, struct strbuf *answer)
{
  struct command c = { .n = 0 };
  char *rest = c.line, *word;
  int len = command_check (written, n, answer);
  unsigned i;

  if (len < 0)
    return len;
  memcpy (c.line, written, (size_t) len);
  memcpy (c.text, written, (size_t) len);
  while ((word = strtok_r (rest, " \t", &rest)) != NULL) {
    if (c.n == WORDS_MAX)
      return refuse (-EINVAL, "'%.64s' is one word too many", word);
    c.word[c.n++] = word;
  }
  if (c.n == 0)
    return refuse (-EINVAL, "no command: try help");
  for (i = 0; i < NCOMMANDS; i++)
    if (strcmp (commands[i].name, c.word[0]) == 0)
      return commands[i].run (&c, answer);
  if (strncmp (c.word[0], "zram", 4) == 0)
    return command_attribute (&c, answer);
  return refuse (-EINVAL, "'%.64s' is neither a command (show,"
                 " hot_add, hot_remove, help) nor a device", c.word[0]);
}
