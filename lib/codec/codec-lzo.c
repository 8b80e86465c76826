/* nbdkit-zram: lzo.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * lzo1x_1, the compressor behind the kernel's lzo, which is why lzo-rle is
 * another name for it here.  It knows no limit for its output, so it
 * writes into a bounce buffer that holds the worst case.
 *
 * Its siblings with smaller tables were measured: 2 to 6 % faster on a
 * 4 KiB page, objects 0.1 to 0.4 % larger.  Not worth it on a disk that
 * is there to save memory.
 */

#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lzo/lzo1x.h>

#include "codec.h"

/* The most that n bytes can become, from the library's documentation. */
#define LZO_WORST(n) ((n) + (n) / 16 + 64 + 3)

struct lzo_params {
  size_t page_size;
};

struct lzo_compressor {
  size_t page_size;
  lzo_align_t work[LZO1X_1_MEM_COMPRESS / sizeof (lzo_align_t)];
  unsigned char bounce[];       /* LZO_WORST (page_size) */
};

/* Written once, by lzo_probe, before anything else here runs. */
static bool lzo_usable;

static void
lzo_probe (struct zram_codec_info *info)
{
  /* Compares the sizes of types in header and library. */
  lzo_usable = lzo_init () == LZO_E_OK;
  info->version = lzo_version_string ();
}

static void *
lzo_params_new (int level, size_t page_size,
                const struct dictionary *dictionary)
{
  struct lzo_params *p;

  (void) level;
  (void) dictionary;
  if (!lzo_usable)
    return NULL;
  p = malloc (sizeof *p);
  if (p)
    p->page_size = page_size;
  return p;
}

static void *
lzo_compressor_new (const void *params)
{
  const struct lzo_params *p = params;
  struct lzo_compressor *c = malloc (sizeof *c + LZO_WORST (p->page_size));

  if (c)
    c->page_size = p->page_size;
  return c;
}

static size_t
lzo_compressor_bytes (const void *compressor)
{
  const struct lzo_compressor *c = compressor;

  return sizeof *c + LZO_WORST (c->page_size);
}

static int
lzo_compress (const void *params, void *compressor,
              const void *src, size_t src_len, void *dst, size_t dst_len)
{
  struct lzo_compressor *c = compressor;
  lzo_uint used = 0;

  (void) params;
  if (src_len > c->page_size ||
      lzo1x_1_compress (src, src_len, c->bounce, &used, c->work) != LZO_E_OK)
    return -EIO;
  if (used > dst_len)
    return 0;
  memcpy (dst, c->bounce, used);
  return used;
}

static int
lzo_decompress (const void *reader, void *decompressor, const void *src,
                size_t src_len, void *dst, size_t dst_len)
{
  lzo_uint got = dst_len;

  (void) reader;
  (void) decompressor;
  /* Input left over is an error of its own to the library. */
  return lzo1x_decompress_safe (src, src_len, dst, &got, NULL) == LZO_E_OK &&
         got == dst_len ? 0 : -EIO;
}

const struct codec codec_lzo = {
  .info = {
    .name = "lzo",
    .alias = "lzo-rle",
    .level_min = 1,
    .level_max = 0,
    .level_means = "no levels",
  },
  .probe = lzo_probe,
  .params_new = lzo_params_new,
  .params_free = free,
  .compressor_new = lzo_compressor_new,
  .compressor_free = free,
  .compressor_bytes = lzo_compressor_bytes,
  .compress = lzo_compress,
  .decompress = lzo_decompress,
};
