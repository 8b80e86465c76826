/* nbdzramctl: one character, safe for a terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stdbool.h>
#include <stdio.h>

/* How long a character gets at most, without a NUL. */
#define PRINTABLE_MAX 4

static inline bool
printable_is (char c)
{
  return c >= ' ' && c <= '~';
}

/* Write a character as it is, or as \xNN.  Return how many were written; there
 * must be room for a NUL too.
 */
static inline size_t
printable_put (char *to, char c)
{
  if (!printable_is (c))
    return (size_t) sprintf (to, "\\x%02x", (unsigned char) c);
  *to = c;
  return 1;
}

#endif /* PRINTABLE_H */
