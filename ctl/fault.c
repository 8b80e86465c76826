/* nbdzramctl: what went wrong, and text that is safe for a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

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
say (const char *format, va_list args)
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
  say (format, args);
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
  say (format, args);
  va_end (args);
  return EXIT_USAGE;
}

static bool
printable (unsigned char c)
{
  return c >= ' ' && c <= '~';
}

char *
text_escape (const char *text)
{
  char *escaped = must_alloc (strlen (text), 4), *p = escaped;

  for (; *text; text++) {
    if (printable ((unsigned char) *text))
      *p++ = *text;
    else
      p += sprintf (p, "\\x%02x", (unsigned char) *text);
  }
  *p = '\0';
  return escaped;
}

void
text_put (FILE *fp, const char *text, size_t length)
{
  size_t i;

  for (i = 0; i < length; i++) {
    unsigned char c = (unsigned char) text[i];

    if (printable (c) || c == '\n' || c == '\t')
      putc (c, fp);
    else
      fprintf (fp, "\\x%02x", c);
  }
}

static void *
must (void *p)
{
  if (!p) {
    complain ("there is no more memory");
    exit (EXIT_FAILED);
  }
  return p;
}

/* One byte more, so that a string of that length fits too. */
void *
must_alloc (size_t n, size_t size)
{
  if (size && n > (SIZE_MAX - 1) / size)
    return must (NULL);
  return must (calloc (1, n * size + 1));
}

char *
must_copy (const char *text)
{
  return must (strdup (text));
}

char *
must_printf (const char *format, ...)
{
  va_list args;
  char *text;
  int r;

  va_start (args, format);
  r = vasprintf (&text, format, args);
  va_end (args);
  return must (r < 0 ? NULL : text);
}
