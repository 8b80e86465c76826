/* Test of control/strbuf.c: texts grow to their bound, and no byte further.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "../control/strbuf.h"
#include "testlib.h"

static void
test_bounds (void)
{
  struct strbuf t = STRBUF_INIT (100000);
  size_t i;

  CHECK (t.len == 0 && !t.data);
  for (i = 0; i < 10000; i++)
    CHECK (strbuf_printf (&t, "%09zu\n", i) == 0);
  CHECK (t.len == 100000 && strlen (t.data) == 100000);
  for (i = 0; i < 10000; i++)
    CHECK (strtoull (t.data + 10 * i, NULL, 10) == i);

  /* Full: what does not fit is left out whole, and so is the rest. */
  CHECK (strbuf_printf (&t, "%s", "") == 0);
  CHECK (strbuf_printf (&t, "x") == -ENOBUFS && t.error == -ENOBUFS);
  strbuf_cut (&t, 99990);
  CHECK (t.len == 99990 && t.error == 0);
  CHECK (strbuf_add (&t, "12345678901", 11) == -ENOBUFS);
  CHECK (strbuf_add (&t, "1", 1) == -ENOBUFS);
  CHECK (t.len == 99990 && t.data[99990] == '\0');
  strbuf_free (&t);
  CHECK (t.len == 0 && !t.data && t.max == 100000);
  CHECK (strbuf_add (&t, "again\0x", 7) == 0 && t.len == 7);
  strbuf_free (&t);

  /* At each boundary of its room, no byte further. */
  for (i = 1020; i < 1030; i++) {
    struct strbuf u = STRBUF_INIT (i);
    size_t n;

    for (n = 0; n < i; n++)
      CHECK (strbuf_add (&u, "y", 1) == 0);
    CHECK (strbuf_add (&u, "y", 1) == -ENOBUFS && u.len == i);
    CHECK (u.room > i && strlen (u.data) == i);
    strbuf_free (&u);
  }
}

int
main (void)
{
  test_bounds ();
  return 0;
}
