/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A client reads attributes and statistics from a copy that was taken for
 * it alone, so that what it reads in pieces fits together.  All copies
 * together are bounded: no number of clients can make the server hold
 * more.  Each kind of client has its own bound, so that whoever may only
 * read cannot keep out those who look after the server.
 */

#ifndef ZRAM_TEXT_COPY_H
#define ZRAM_TEXT_COPY_H

#include <stddef.h>

#include "export-name.h"
#include "strbuf.h"

/* Who reads.  Each of these has memory of its own, which the others cannot
 * use up.
 */
enum asker {
  ASKER_READER,                 /* may only read */
  ASKER_WRITER,                 /* may write too */
  ASKER_OWNER,                  /* root or our uid, whatever it may do */
  N_ASKERS
};

/* A text, and the bytes of its budget that it takes. */
struct text_copy {
  struct strbuf text;
  size_t charged;
  _Atomic size_t *budget;
};

/* Lines of a listing that are shown at once, at most. */
#define TEXT_COPY_LINES (UINT64_C (1) << 20)

/* Copy the text of an export.  NULL, or why not, and the copy is empty. */
extern const char *text_copy_take (struct text_copy *copy,
                                   const struct export_name *name,
                                   enum asker asker);

/* Begin an empty text for the answer to a command, with room for max bytes.
 * NULL, or why not, and the copy is empty.
 */
extern const char *text_copy_start (struct text_copy *copy, enum asker asker,
                                    size_t max);

/* Give back the memory that a text did not use, when it is complete. */
extern void text_copy_end (struct text_copy *copy);

/* Free the text.  The copy is empty then; that of an empty one does nothing. */
extern void text_copy_free (struct text_copy *copy);

#endif /* ZRAM_TEXT_COPY_H */
