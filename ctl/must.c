/* nbdzramctl: memory that is there, or the tool ends.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "must.h"

static void *
must_have (void *p)
{
  if (!p) {
    complain ("there is no more memory");
    exit (EXIT_FAILED);
  }
  return p;
}

/* There is one byte more, for the NUL of a string. */
void *
must_alloc (size_t n, size_t size)
{
  if (size && n > (SIZE_MAX - 1) / size)
    return must_have (NULL);
  return must_have (calloc (1, n * size + 1));
}

void *
must_resize (void *p, size_t size)
{
  return must_have (realloc (p, size));
}

char *
must_copy (const char *text)
{
  return must_have (strdup (text));
}

char *
must_format (const char *format, va_list args)
{
  char *text;

  return must_have (vasprintf (&text, format, args) < 0 ? NULL : text);
}

char *
must_printf (const char *format, ...)
{
  va_list args;
  char *text;

  va_start (args, format);
  text = must_format (format, args);
  va_end (args);
  return text;
}

void
must_append (char **text, const char *format, ...)
{
  size_t n = strlen (*text);
  va_list args;
  char *more;

  va_start (args, format);
  more = must_format (format, args);
  va_end (args);
  *text = must_resize (*text, n + strlen (more) + 1);
  strcpy (*text + n, more);
  free (more);
}

void
must_free (char **text)
{
  free (*text);
}
