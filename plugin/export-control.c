/* nbdkit-zram: the control export, a mailbox.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each connection has an answer of its own.  Until it has written a command
 * that is the JSON of all devices, taken anew whenever it is read from the
 * start; then it is what the last command answered.  A write that is not one
 * whole command is refused, and nothing of it is kept.
 */

#include <config.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "command.h"
#include "export.h"
#include "log.h"
#include "quote.h"

enum control export_control_access;

static const char *
control_open (struct handle *h, const struct export_name *name)
{
  (void) name;
  if (export_control_access == CONTROL_OFF)
    return "there is none: the server was started with control=off";
  h->may_write = access_granted (export_control_access);
  h->asker = access_asker (export_control_access);
  pthread_mutex_init (&h->lock, NULL);
  snprintf (h->description, sizeof h->description, EXPORT_CONTROL_HELP);
  return NULL;
}

static void
control_close (struct handle *h)
{
  text_copy_free (&h->copy);
  pthread_mutex_destroy (&h->lock);
}

static uint64_t
control_size (const struct handle *h)
{
  (void) h;
  return CONTROL_SIZE;
}

static bool
control_can_write (const struct handle *h)
{
  return h->may_write;
}

/* Under the lock. */
static int
control_renew (struct handle *h)
{
  const struct export_name name = {
    .type = EXPORT_REPORT, .report = report_get (REPORT_JSON),
  };
  struct text_copy fresh;
  const char *why = text_copy_take (&fresh, &name, h->asker);

  if (why) {
    log_refusal ("read of export", "control", why);
    return -ENOMEM;
  }
  text_copy_free (&h->copy);
  h->copy = fresh;
  return 0;
}

/* Copy a part of the text, and spaces where it has ended. */
static void
control_copy (const struct strbuf *text, char *buf, size_t count, size_t offset)
{
  size_t n = offset < text->len ? text->len - offset : 0;

  if (n > count)
    n = count;
  if (n)
    memcpy (buf, text->data + offset, n);
  memset (buf + n, ' ', count - n);
}

static int
control_pread (struct handle *h, void *buf, uint32_t count, uint64_t offset)
{
  int r = 0;

  pthread_mutex_lock (&h->lock);
  if (!h->answered && (offset == 0 || !h->copy.text.data))
    r = control_renew (h);
  if (r == 0)
    control_copy (&h->copy.text, buf, count, offset);
  /* It was read to its end: free it, for a client may stay connected for long.
   */
  if (r == 0 && !h->answered && offset + count == CONTROL_SIZE)
    text_copy_free (&h->copy);
  pthread_mutex_unlock (&h->lock);
  return r;
}

/* Log what was wrong: the answer without "error: " and the end of the line. */
static void
control_log_answer (const char *command, const struct strbuf *answer)
{
  static const char error[] = "error: ";
  char why[QUOTE_MAX + 1];

  snprintf (why, sizeof why, "%s", answer->data + strlen (error));
  why[strcspn (why, "\n")] = '\0';
  log_refusal ("command", command, why);
}

/* Under the lock. */
static int
control_run (struct handle *h, const char *line, size_t n)
{
  struct text_copy answer;
  const char *why = text_copy_start (&answer, h->asker, CONTROL_SIZE);
  char first[QUOTE_MAX + 1];
  int r;

  snprintf (first, sizeof first, "%.*s", (int) strnlen (line, n), line);
  first[strcspn (first, "\n")] = '\0';
  if (why) {
    log_refusal ("command", first, why);
    return -ENOMEM;
  }
  r = command_run (line, n, &answer.text);
  if (answer.text.error)
    r = -ENOMEM;
  else if (r < 0) {
    control_log_answer (first, &answer.text);
  }
  else
    nbdkit_debug ("control: %s", first);
  text_copy_end (&answer);
  text_copy_free (&h->copy);
  h->copy = answer;
  h->answered = true;
  return r;
}

/* Run a command, which is one write. */
static int
control_pwrite (struct handle *h, const void *buf, uint32_t count,
                uint64_t offset)
{
  int r;

  pthread_mutex_lock (&h->lock);
  /* Answer it like any line that is no command, so that no older answer is
   * taken for the answer to this.
   */
  r = offset == 0 ? control_run (h, buf, count) : control_run (h, "\x01", 1);
  pthread_mutex_unlock (&h->lock);
  return r;
}

const struct export export_control = {
  .open = control_open,
  .close = control_close,
  .size = control_size,
  .can_write = control_can_write,
  .pread = control_pread,
  .pwrite = control_pwrite,
};
