/* nbdkit-zram: text that grows.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os.h"
#include "strbuf.h"

#define FIRST_ROOM 1024

static int
strbuf_stop (struct strbuf *t, int error)
{
  t->error = error;
  return error;
}

/* Make room for n more bytes and a NUL.  It doubles, so that adding is cheap.
 */
static int
strbuf_reserve (struct strbuf *t, size_t n)
{
  size_t room = t->room ? t->room : FIRST_ROOM;
  char *data;

  if (t->error)
    return t->error;
  if (n > t->max - t->len)
    return strbuf_stop (t, -ENOBUFS);
  while (room <= t->len + n)
    room *= 2;
  if (room == t->room)
    return 0;
  data = t->data ? os_grow (t->data, t->room, room) : os_alloc (room);
  if (!data)
    return strbuf_stop (t, -ENOMEM);
  t->data = data;
  t->room = room;
  return 0;
}

int
strbuf_add (struct strbuf *t, const char *bytes, size_t n)
{
  int r = strbuf_reserve (t, n);

  if (r < 0)
    return r;
  memcpy (t->data + t->len, bytes, n);
  t->len += n;
  t->data[t->len] = '\0';
  return 0;
}

int
strbuf_printf (struct strbuf *t, const char *format, ...)
{
  va_list args, again;
  int n, r;

  va_start (args, format);
  va_copy (again, args);
  n = vsnprintf (NULL, 0, format, args);
  r = n < 0 ? strbuf_stop (t, -ENOMEM) : strbuf_reserve (t, (size_t) n);
  if (r == 0) {
    vsnprintf (t->data + t->len, (size_t) n + 1, format, again);
    t->len += (size_t) n;
  }
  va_end (again);
  va_end (args);
  return r;
}

void
strbuf_cut (struct strbuf *t, size_t len)
{
  t->error = 0;
  if (len < t->len) {
    t->len = len;
    t->data[len] = '\0';
  }
}

void
strbuf_free (struct strbuf *t)
{
  if (t->data)
    os_free (t->data, t->room);
  *t = (struct strbuf) { .max = t->max };
}
