/* nbdkit-zram: text that grows.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What clients read of attributes and statistics is written into one of
 * these.  It grows up to a bound that its owner sets, so that no client can
 * make the server hold more.  An addition that does not fit is left out as a
 * whole, and so are all that follow.  So it is enough to look at `error' once,
 * at the end.
 */

#ifndef ZRAM_STRBUF_H
#define ZRAM_STRBUF_H

#include <stddef.h>

struct strbuf {
  char *data;                   /* len bytes, and a NUL; NULL if empty */
  size_t len, room;
  size_t max;                   /* of len */
  int error;                    /* 0, -ENOMEM, or -ENOBUFS: max reached */
};

#define STRBUF_INIT(max_bytes) ((struct strbuf) { .max = (max_bytes) })

/* Add to the text.  0, or the error that is in the text too: nothing was
 * added, and nothing will be.
 */
extern int strbuf_add (struct strbuf *text, const char *bytes, size_t n);
extern int strbuf_printf (struct strbuf *text, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Forget what was added after the first len bytes, and the error. */
extern void strbuf_cut (struct strbuf *text, size_t len);

/* Give back the memory.  The text is empty then, and can be used again. */
extern void strbuf_free (struct strbuf *text);

#endif /* ZRAM_STRBUF_H */
