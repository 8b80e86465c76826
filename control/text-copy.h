/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each client reads attributes and statistics from a copy of its own, so
 * that the pieces that it reads fit together.  The memory of all copies
 * together is limited, whatever the number of clients.  Each kind of client
 * has its own limit, so that clients that may only read cannot lock out those
 * that manage the server.
 */

#ifndef ZRAM_TEXT_COPY_H
#define ZRAM_TEXT_COPY_H

#include <stddef.h>

#include "export-name.h"
#include "strbuf.h"

/* The kinds of clients.  Each has memory of its own, which the others cannot
 * use up.
 */
enum asker {
  ASKER_READER,                 /* may only read */
  ASKER_WRITER,                 /* may write too */
  ASKER_OWNER,                  /* root or our uid, even if it may not write */
  N_ASKERS
};

/* A text, and the bytes of its budget that it takes. */
struct text_copy {
  struct strbuf text;
  size_t charged;
  _Atomic size_t *budget;
};

/* Most lines of a listing that are shown at once. */
#define TEXT_COPY_LINES (UINT64_C (1) << 20)

/* Copy the text of an export.  Return NULL, or a static text that says why it
 * failed; the copy is then empty.
 */
extern const char *text_copy_take (struct text_copy *copy,
                                   const struct export_name *name,
                                   enum asker asker);

/* Begin an empty text for the answer to a command, with room for max bytes.
 * Return NULL, or a static text that says why it failed; the copy is then
 * empty.
 */
extern const char *text_copy_start (struct text_copy *copy, enum asker asker,
                                    size_t max);

/* Give back the memory that a complete text did not use. */
extern void text_copy_end (struct text_copy *copy);

/* Free the text, and make the copy empty.  An empty copy is allowed. */
extern void text_copy_free (struct text_copy *copy);

#endif /* ZRAM_TEXT_COPY_H */
