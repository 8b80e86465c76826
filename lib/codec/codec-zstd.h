/* nbdkit-zram: zstd, between its two files.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_CODEC_ZSTD_H
#define ZRAM_CODEC_ZSTD_H

#include "codec.h"

/* codec-zstd-train.c: what codec.h says of them. */
extern bool zstd_dictionary_check (const void *data, size_t bytes);
extern size_t zstd_train_bytes (const struct training *t);
extern int zstd_train (const struct training *t, void *dictionary,
                       size_t room);

#endif /* ZRAM_CODEC_ZSTD_H */
