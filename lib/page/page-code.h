/* nbdkit-zram: a page into what is stored of it, and back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This is all that is done outside of the shards' locks, by requests and
 * by upkeep alike: what to store of a page is decided here, and by which
 * coding an object is to be read.
 */

#ifndef ZRAM_PAGE_CODE_H
#define ZRAM_PAGE_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "coding.h"
#include "layout.h"
#include "samefilled.h"
#include "store.h"
#include "workspace.h"

/* Encode a page that is same-filled: its word, or `empty' if it is zero.
 * False: it is not.  The content refers to the encoder's buffer, which must
 * stay.
 */
static inline bool
page_encode_same (const struct layout *l, struct encoder *e,
                  const void *page, enum content_type empty,
                  struct content *c)
{
  uint64_t word;

  if (!page_is_same_filled (page, l->page, &word))
    return false;
  c->page = page;
  c->late = false;
  c->type = word ? CONTENT_OBJECT : empty;
  memcpy (e->out, &word, FILL_BYTES);
  c->object = (struct object) { e->out, FILL_BYTES, KIND_FILL, 0 };
  return true;
}

/* Encode any page; one that does not compress stays as it is, and the content
 * refers to it.
 */
static inline void
page_encode (const struct layout *l, struct encoder *e, const void *page,
             enum content_type empty, struct content *c)
{
  int n;

  if (page_encode_same (l, e, page, empty, c))
    return;
  c->page = page;
  c->late = false;
  n = encoder_compress (e, page, l->page, l->object_max);
  c->type = n > 0 ? CONTENT_OBJECT : CONTENT_RAW;
  c->object = (struct object) { e->out, (uint32_t) n, KIND_OBJECT,
                                e->coding };
}

/* Decode what store_load returned into a page, all of it.  A raw page is
 * there already.  0, or -EIO if it is damaged.
 */
extern int page_decode (const struct layout *layout,
                        const struct codings *codings,
                        const struct workspace *workspace,
                        const struct content *content, char *page);

#endif /* ZRAM_PAGE_CODE_H */
