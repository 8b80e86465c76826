/* nbdzramctl: text that is safe for a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "must.h"

static bool
escape_printable (unsigned char c)
{
  return c >= ' ' && c <= '~';
}

char *
text_escape (const char *text)
{
  char *escaped = must_alloc (strlen (text), 4), *p = escaped;

  for (; *text; text++) {
    if (escape_printable ((unsigned char) *text))
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

    if (escape_printable (c) || c == '\n' || c == '\t')
      putc (c, fp);
    else
      fprintf (fp, "\\x%02x", c);
  }
}
