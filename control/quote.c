/* nbdkit-zram: what others sent, made fit to be printed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "quote.h"

const char *
quote (const char *text, char buf[QUOTE_MAX])
{
  static const char cut[] = "...";
  const size_t room = QUOTE_MAX - sizeof cut;
  size_t n = 0;

  for (; *text; text++) {
    unsigned char c = (unsigned char) *text;
    bool plain = c >= ' ' && c < 0x7f && c != '\\';

    if (n + (plain ? 1 : 4) > room) {
      strcpy (buf + n, cut);
      return buf;
    }
    if (plain)
      buf[n++] = *text;
    else
      n += (size_t) sprintf (buf + n, "\\x%02x", c);
  }
  buf[n] = '\0';
  return buf;
}
