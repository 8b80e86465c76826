/* nbdzramctl: what went wrong, and saying it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdarg.h>
#include <stdio.h>

#include "message.h"

/* The fault is kept, not printed where it happens: `top' shows it on its
 * screen and goes on.  One a thread: `top' asks the server in another.
 */
static _Thread_local char last[1024];

int
fault (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (last, sizeof last, format, args);
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
  fflush (stdout);
  fputs (PROGRAM ": ", stderr);
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
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
