/* nbdkit-zram: a page into what is stored of it, and back.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "page-code.h"
#include "samefilled.h"

bool
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

void
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

static int
page_decode_object (const struct layout *l, const struct codings *codings,
                    const struct workspace *w, const struct object *o,
                    char *page)
{
  const struct coding *coding = &codings->coding[o->coding];

  if (o->kind == KIND_FILL && o->length == FILL_BYTES) {
    page_fill (page, l->page, page_word (o->data, 0));
    return 0;
  }
  return coding_decompress (coding, w->decompressor, o->data, o->length,
                            page, l->page);
}

int
page_decode (const struct layout *l, const struct codings *codings,
             const struct workspace *w, const struct content *c, char *page)
{
  switch (c->type) {
  case CONTENT_HOLE: case CONTENT_ZERO:
    memset (page, 0, l->page);
    return 0;
  case CONTENT_RAW:
    return 0;
  case CONTENT_OBJECT:
    return page_decode_object (l, codings, w, &c->object, page);
  }
  return -EIO;
}
