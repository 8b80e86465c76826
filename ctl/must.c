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

char *
must_copy (const char *text)
{
  return must_have (strdup (text));
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
  return must_have (r < 0 ? NULL : text);
}
