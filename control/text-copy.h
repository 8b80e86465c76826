/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A client reads attributes and statistics from a copy that was taken for
 * it alone, so that what it reads in pieces fits together.  All copies
 * together are bounded: no number of clients can make the server hold
 * more.  Each kind of client has its own bound, so that whoever may only
 * read cannot keep those out who look after the server.
 */

#ifndef ZRAM_TEXT_COPY_H
#define ZRAM_TEXT_COPY_H

#include <stddef.h>

#include "export-name.h"
#include "strbuf.h"

/* Who reads, for sharing out memory: none of these can use up what the
 * others have.
 */
enum asker {
  ASKER_READER,                 /* may only read */
  ASKER_WRITER,                 /* may write too */
  ASKER_OWNER,                  /* root or our uid, whatever it may do */
  N_ASKERS
};

/* A text, and what it has of the common memory. */
struct text_copy {
  struct strbuf text;
  size_t charged;
  _Atomic size_t *budget;
};

/* How many lines of a listing are shown at once. */
#define TEXT_COPY_LINES (UINT64_C (1) << 20)

/* 0, or a line that says why not, and the copy is empty. */
extern const char *text_copy_take (struct text_copy *copy,
                                   const struct export_name *name,
                                   enum asker asker);

/* An empty text, for an answer to a command, with room for so many bytes. */
extern const char *text_copy_start (struct text_copy *copy, enum asker asker,
                                    size_t max);

/* The text is complete: give back what it did not use. */
extern void text_copy_end (struct text_copy *copy);

extern void text_copy_free (struct text_copy *copy);

#endif /* ZRAM_TEXT_COPY_H */
