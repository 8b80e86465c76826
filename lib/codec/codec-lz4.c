/* nbdkit-zram: lz4 and lz4hc.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Two compressors for one format: lz4 is the fastest codec there is here,
 * lz4hc spends ten times as long to save a sixth, and both decompress
 * alike.  Objects are bare lz4 blocks, no frame.
 *
 * lz4 clears 16 KiB of tables a page.  The library has a call that does
 * not, but its shared object does not export it; the streaming call
 * avoids the clearing too, and was measured 13 % slower, because it must
 * use tables of another kind.
 *
 * lz4hc has 256 KiB to clear, so here the streaming call is worth it: 5 %
 * on a 4 KiB page.  From level 10 on (LZ4HC_CLEVEL_OPT_MIN) the library
 * allocates 64 KiB during each call; when it cannot, it reports what it
 * reports for data that does not fit, and the page is kept raw.
 */

#include <config.h>

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include <lz4.h>
#include <lz4hc.h>

#include "codec.h"

#define LZ4_LEVEL_MAX 65537     /* what the library clamps it to */
#define LZ4HC_OPT_BYTES 65584   /* allocated per call at high levels */

struct lz4_params {
  int level;
};

static void
lz4_probe (struct zram_codec_info *info)
{
  info->version = LZ4_versionString ();
}

static void *
lz4_params_new (int level, size_t page_size,
                const struct dictionary *dictionary)
{
  struct lz4_params *p = malloc (sizeof *p);

  (void) page_size;
  (void) dictionary;
  if (p)
    p->level = level;
  return p;
}

static void *
lz4_compressor_new (const void *params)
{
  (void) params;
  return malloc (LZ4_sizeofState ());
}

static size_t
lz4_compressor_bytes (const void *compressor)
{
  (void) compressor;
  return LZ4_sizeofState ();
}

static int
lz4_compress (const void *params, void *compressor,
              const void *src, size_t src_len, void *dst, size_t dst_len)
{
  const struct lz4_params *p = params;

  return LZ4_compress_fast_extState (compressor, src, dst, src_len, dst_len,
                                     p->level);
}

static int
lz4_decompress (const void *reader, void *decompressor, const void *src,
                size_t src_len, void *dst, size_t dst_len)
{
  int r;

  (void) reader;
  (void) decompressor;
  r = LZ4_decompress_safe (src, dst, src_len, dst_len);
  return r >= 0 && (size_t) r == dst_len ? 0 : -EIO;
}

struct lz4hc_compressor {
  int level;
  /* LZ4_sizeofStateHC () bytes: what the library at hand needs, not what
   * the header thinks.
   */
  alignas (max_align_t) char state[];
};

static void *
lz4hc_compressor_new (const void *params)
{
  const struct lz4_params *p = params;
  const size_t state_bytes = LZ4_sizeofStateHC ();
  struct lz4hc_compressor *c = malloc (sizeof *c + state_bytes);

  if (c == NULL)
    return NULL;
  c->level = p->level;
  LZ4_initStreamHC (c->state, state_bytes);
  return c;
}

static size_t
lz4hc_compressor_bytes (const void *compressor)
{
  const struct lz4hc_compressor *c = compressor;

  return sizeof *c + LZ4_sizeofStateHC () +
    (c->level >= LZ4HC_CLEVEL_OPT_MIN ? LZ4HC_OPT_BYTES : 0);
}

static int
lz4hc_compress (const void *params, void *compressor,
                const void *src, size_t src_len, void *dst, size_t dst_len)
{
  struct lz4hc_compressor *c = compressor;
  LZ4_streamHC_t *stream = (LZ4_streamHC_t *) c->state;

  (void) params;
  /* Forgets the page before, and recovers from one that did not fit. */
  LZ4_resetStreamHC_fast (stream, c->level);
  return LZ4_compress_HC_continue (stream, src, dst, src_len, dst_len);
}

const struct codec codec_lz4 = {
  .info = {
    .name = "lz4",
    .level_min = 1,
    .level_max = LZ4_LEVEL_MAX,
    .level_default = 1,
    .level_means = "faster, compresses less",
  },
  .probe = lz4_probe,
  .params_new = lz4_params_new,
  .params_free = free,
  .compressor_new = lz4_compressor_new,
  .compressor_free = free,
  .compressor_bytes = lz4_compressor_bytes,
  .compress = lz4_compress,
  .decompress = lz4_decompress,
};

const struct codec codec_lz4hc = {
  .info = {
    .name = "lz4hc",
    .level_min = LZ4HC_CLEVEL_MIN,
    .level_max = LZ4HC_CLEVEL_MAX,
    .level_default = LZ4HC_CLEVEL_DEFAULT,
    .level_means = "slower, compresses more",
  },
  .probe = lz4_probe,
  .params_new = lz4_params_new,
  .params_free = free,
  .compressor_new = lz4hc_compressor_new,
  .compressor_free = free,
  .compressor_bytes = lz4hc_compressor_bytes,
  .compress = lz4hc_compress,
  .decompress = lz4_decompress,
};
