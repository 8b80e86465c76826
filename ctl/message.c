/* nbdzramctl: what went wrong, and saying it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "printable.h"

#define MESSAGE_MAX 1024

/* The fault is kept, not printed where it happens: `top' shows it on its
 * screen and goes on.  Each thread has its own: `top' asks the server in
 * another one.
 */
static _Thread_local char last[MESSAGE_MAX];

/* --- Making it safe ------------------------------------------------------ */

static size_t
message_width (char c)
{
  return printable_is (c) ? 1 : PRINTABLE_MAX;
}

/* Copy characters while there is room, and end with a NUL.  Return the first
 * that was not copied.
 */
static const char *
message_copy (char *to, const char *text, size_t room)
{
  for (; *text && message_width (*text) < room; text++) {
    room -= message_width (*text);
    to += printable_put (to, *text);
  }
  *to = '\0';
  return text;
}

/* Make a line of any text.  Control characters are shown as \xNN, and of a
 * long text the middle is left out: what was wrong is often said at its end.
 * What was made a line before stays as it is.
 */
static void
message_clean (char line[MESSAGE_MAX], const char *text)
{
  static const char gap[] = " ... ";
  const char *end = text + strlen (text);
  size_t head = MESSAGE_MAX / 2, room = MESSAGE_MAX - head - sizeof gap;

  if (!*message_copy (line, text, MESSAGE_MAX))
    return;
  message_copy (line, text, head);
  while (message_width (end[-1]) < room)
    room -= message_width (*--end);
  strcat (line, gap);
  message_copy (line + strlen (line), end, MESSAGE_MAX);
}

static void __attribute__ ((format (printf, 2, 0)))
message_format (char line[MESSAGE_MAX], const char *format, va_list args)
{
  char *text = NULL;

  if (vasprintf (&text, format, args) < 0)
    text = NULL;
  message_clean (line, text ? text : "there is no more memory");
  free (text);
}

/* --- Saying it ----------------------------------------------------------- */

int
fault (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  message_format (last, format, args);
  va_end (args);
  return -1;
}

const char *
fault_text (void)
{
  return last;
}

static void __attribute__ ((format (printf, 1, 0)))
message_say (const char *format, va_list args)
{
  char line[MESSAGE_MAX];

  message_format (line, format, args);
  fflush (stdout);
  fprintf (stderr, PROGRAM ": %s\n", line);
}

void
complain (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  message_say (format, args);
  va_end (args);
}

int
failed (void)
{
  complain ("%s", last);
  return EXIT_FAILED;
}

int
usage (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  message_say (format, args);
  va_end (args);
  return EXIT_USAGE;
}
