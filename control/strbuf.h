/* nbdkit-zram: text that grows.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Texts of attributes and statistics for clients are written into a strbuf.
 * It grows up to a limit that its owner sets, so that no client can make the
 * server hold more.  If an addition does not fit, none of it is added, nor any
 * later one.  So it is enough to check `error' once, at the end.
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

/* Add to the text.  Return 0, or the error that is in the text too; then
 * nothing was added, and nothing will be.
 */
extern int strbuf_add (struct strbuf *text, const char *bytes, size_t n);
extern int strbuf_printf (struct strbuf *text, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Cut the text to its first len bytes, and clear the error. */
extern void strbuf_cut (struct strbuf *text, size_t len);

/* Free the memory.  The text is then empty, and can be used again. */
extern void strbuf_free (struct strbuf *text);

#endif /* ZRAM_STRBUF_H */
