/* nbdzramctl: text that is safe for a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "must.h"
#include "printable.h"

char *
text_escape (const char *text)
{
  char *escaped = must_alloc (strlen (text), PRINTABLE_MAX), *p = escaped;

  for (; *text; text++)
    p += printable_put (p, *text);
  *p = '\0';
  return escaped;
}

void
text_put (FILE *fp, const char *text, size_t length)
{
  char safe[PRINTABLE_MAX + 1];
  size_t i;

  for (i = 0; i < length; i++) {
    if (text[i] == '\n' || text[i] == '\t')
      putc (text[i], fp);
    else
      fwrite (safe, 1, printable_put (safe, text[i]), fp);
  }
}
