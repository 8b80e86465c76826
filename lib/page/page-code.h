/* nbdkit-zram: a page into what is stored of it, and back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * This is all that is done outside of the shards' locks, by requests and
 * by upkeep alike: what to store of a page is decided here, and by which
 * coding an object is to be read.
 */

#ifndef ZRAM_PAGE_CODE_H
#define ZRAM_PAGE_CODE_H

#include "coding.h"
#include "layout.h"
#include "store.h"
#include "workspace.h"

/* Encode a page: a same-filled page becomes its word, or `empty' if it is
 * zero; a page that does not compress stays as it is.  The content refers to
 * the page and to the encoder's buffer, which must both stay.
 */
extern void page_encode (const struct layout *layout, struct encoder *encoder,
                         const void *page, enum content_type empty,
                         struct content *content);

/* Do the same if the page is same-filled.  False: it is not. */
extern bool page_encode_same (const struct layout *layout,
                              struct encoder *encoder, const void *page,
                              enum content_type empty,
                              struct content *content);

/* Decode what store_load returned into a page, all of it.  A raw page is
 * there already.  0, or -EIO if it is damaged.
 */
extern int page_decode (const struct layout *layout,
                        const struct codings *codings,
                        const struct workspace *workspace,
                        const struct content *content, char *page);

#endif /* ZRAM_PAGE_CODE_H */
