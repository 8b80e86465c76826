/* nbdkit-zram: a page into what is stored of it, and back.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "page-code.h"
#include "samefilled.h"

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
