/* nbdkit-zram: zstd.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * An object is one bare zstd block, without the frame around it: that
 * saves 10 bytes a page, and what a frame would say (sizes) the disk
 * knows.  A page is at most 64 KiB, and a block may have 128.
 *
 * The parameters are those that the library has for inputs of the size of
 * a page, so that the tables are small even at the highest levels.
 * Starting from an empty digested dictionary was measured and is no
 * faster than ZSTD_compressBegin_advanced: both take about 0.1 us.
 *
 * With a dictionary a page starts from the library's digest of it, which all
 * threads share and nobody copies.  The fast strategy then finds most
 * matches in the dictionary, and does best with longer ones and a larger
 * table than the library would choose: 834 bytes a page of processes where
 * its own choice makes 848, at the same speed.
 */

#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The block functions are outside the library's stable part, and newer
 * headers call them deprecated.  There is no other way to do without
 * frames.
 */
#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <zstd.h>
#include <zstd_errors.h>

#include "codec-zstd.h"
#include "os.h"

struct zstd_params {
  size_t page_size;
  ZSTD_parameters zstd;
  ZSTD_CDict *cdict;            /* NULL: no dictionary */
};

/* The library wants some bytes of room beyond what it finally uses (it
 * stores eight at a time), and calls a block that ends nearer than that
 * too big.  So it compresses into a bounce buffer that has the room; the
 * copy is lost in the noise.
 */
#define ZSTD_ROOM 64

/* The library's memory is mapped: it asks for few pieces, touches about
 * half of what it asks for, and all of it goes back when a workspace that
 * nobody wants is given up.  Before each piece is its size.
 */
static void *
zstd_alloc (void *opaque, size_t bytes)
{
  size_t *p = bytes < SIZE_MAX - OS_ALIGN ? os_map (bytes + OS_ALIGN) : NULL;

  (void) opaque;
  if (p == NULL)
    return NULL;
  *p = bytes + OS_ALIGN;
  return (char *) p + OS_ALIGN;
}

static void
zstd_free (void *opaque, void *address)
{
  size_t *p;

  (void) opaque;
  if (address == NULL)
    return;
  p = (void *) ((char *) address - OS_ALIGN);
  os_unmap (p, *p);
}

static const ZSTD_customMem zstd_memory = { zstd_alloc, zstd_free, NULL };

/* Memory that was mapped before it is asked for, for a function of the library
 * that crashes if it is refused.
 */
struct zstd_ready {
  void *p;                      /* NULL: it has been taken */
  size_t bytes;
};

static void *
zstd_alloc_ready (void *opaque, size_t bytes)
{
  struct zstd_ready *ready = opaque;
  size_t *p = ready->p;

  if (p == NULL || bytes > ready->bytes - OS_ALIGN)
    return zstd_alloc (NULL, bytes);
  ready->p = NULL;
  *p = ready->bytes;
  return (char *) p + OS_ALIGN;
}

struct zstd_compressor {
  ZSTD_CCtx *cctx;
  size_t page_size;
  char bounce[];                /* page_size + ZSTD_ROOM */
};

static void
zstd_probe (struct zram_codec_info *info)
{
  info->version = ZSTD_versionString ();
  info->level_min = ZSTD_minCLevel ();
  info->level_max = ZSTD_maxCLevel ();
}

/* With a dictionary the fast strategy takes these. */
#define DICTIONARY_MIN_MATCH 5
#define DICTIONARY_HASH_LOG 15

static void
zstd_params_free (void *params)
{
  struct zstd_params *p = params;

  if (p == NULL)
    return;
  ZSTD_freeCDict (p->cdict);
  free (p);
}

/* Versions before 1.5.5 go on with NULL where they are refused memory, of
 * which they ask for one piece.
 */
static ZSTD_CDict *
zstd_digest_ready (ZSTD_compressionParameters c, const struct dictionary *d)
{
  struct zstd_ready ready = {
    .bytes = OS_ALIGN + ZSTD_estimateCDictSize_advanced (d->bytes, c,
                                                         ZSTD_dlm_byRef),
  };
  const ZSTD_customMem memory = { zstd_alloc_ready, zstd_free, &ready };
  ZSTD_CDict *cdict;

  ready.p = os_map (ready.bytes);
  if (ready.p == NULL)
    return NULL;
  cdict = ZSTD_createCDict_advanced (d->data, d->bytes, ZSTD_dlm_byRef,
                                     ZSTD_dct_auto, c, memory);
  os_unmap (ready.p, ready.bytes);
  return cdict;
}

/* Digest a dictionary, whose bytes stay where they are.  NULL: no memory, or
 * it has a header, and that is damaged.
 */
static void *
zstd_digest (struct zstd_params *p, const struct dictionary *d)
{
  ZSTD_compressionParameters *c = &p->zstd.cParams;

  if (c->strategy == ZSTD_fast) {
    c->minMatch = DICTIONARY_MIN_MATCH;
    c->hashLog = DICTIONARY_HASH_LOG;
  }
  p->cdict = zstd_digest_ready (*c, d);
  if (p->cdict == NULL) {
    zstd_params_free (p);
    return NULL;
  }
  return p;
}

static void *
zstd_params_new (int level, size_t page_size,
                 const struct dictionary *dictionary)
{
  struct zstd_params *p = malloc (sizeof *p);

  if (p == NULL)
    return NULL;
  p->page_size = page_size;
  p->cdict = NULL;
  p->zstd = ZSTD_getParams (level, page_size,
                            dictionary ? dictionary->bytes : 0);
  if (dictionary)
    return zstd_digest (p, dictionary);
  /* An entry for each byte of the page is enough for the fast strategy:
   * half of what the library would take, and neither slower nor larger.
   */
  if (p->zstd.cParams.strategy == ZSTD_fast &&
      p->zstd.cParams.hashLog > p->zstd.cParams.windowLog)
    p->zstd.cParams.hashLog = p->zstd.cParams.windowLog;
  return p;
}

static size_t
zstd_params_bytes (const void *params)
{
  const struct zstd_params *p = params;

  return p->cdict ? ZSTD_sizeof_CDict (p->cdict) : 0;
}

static void *
zstd_reader_new (const struct dictionary *d)
{
  return ZSTD_createDDict_advanced (d->data, d->bytes, ZSTD_dlm_byRef,
                                    ZSTD_dct_auto, zstd_memory);
}

static void
zstd_reader_free (void *reader)
{
  ZSTD_freeDDict (reader);
}

static size_t
zstd_reader_bytes (const void *reader)
{
  return ZSTD_sizeof_DDict (reader);
}

static void
zstd_compressor_free (void *compressor)
{
  struct zstd_compressor *c = compressor;

  if (c == NULL)
    return;
  ZSTD_freeCCtx (c->cctx);
  free (c);
}

/* Forget everything and expect one page.  The first call for a context is
 * the one that allocates its workspace.
 */
static int
zstd_begin (ZSTD_CCtx *cctx, const struct zstd_params *p)
{
  size_t r = p->cdict
    ? ZSTD_compressBegin_usingCDict_advanced (cctx, p->cdict, p->zstd.fParams,
                                              p->page_size)
    : ZSTD_compressBegin_advanced (cctx, NULL, 0, p->zstd, p->page_size);

  return ZSTD_isError (r) ? -EIO : 0;
}

static void *
zstd_compressor_new (const void *params)
{
  const struct zstd_params *p = params;
  struct zstd_compressor *c = malloc (sizeof *c + p->page_size + ZSTD_ROOM);

  if (c == NULL)
    return NULL;
  c->page_size = p->page_size;
  c->cctx = ZSTD_createCCtx_advanced (zstd_memory);
  if (c->cctx == NULL || zstd_begin (c->cctx, p) < 0) {
    zstd_compressor_free (c);
    return NULL;
  }
  return c;
}

static size_t
zstd_compressor_bytes (const void *compressor)
{
  const struct zstd_compressor *c = compressor;

  return sizeof *c + c->page_size + ZSTD_ROOM + ZSTD_sizeof_CCtx (c->cctx);
}

static void *
zstd_decompressor_new (void)
{
  return ZSTD_createDCtx_advanced (zstd_memory);
}

static void
zstd_decompressor_free (void *decompressor)
{
  ZSTD_freeDCtx (decompressor);
}

static size_t
zstd_decompressor_bytes (const void *decompressor)
{
  return ZSTD_sizeof_DCtx (decompressor);
}

static int
zstd_compress (const void *params, void *compressor,
               const void *src, size_t src_len, void *dst, size_t dst_len)
{
  struct zstd_compressor *c = compressor;
  size_t r;

  /* Nobody wants an object larger than its page. */
  if (dst_len > c->page_size)
    dst_len = c->page_size;
  if (zstd_begin (c->cctx, params) < 0)
    return -EIO;
  r = ZSTD_compressBlock (c->cctx, c->bounce, dst_len + ZSTD_ROOM,
                          src, src_len);
  if (ZSTD_isError (r))
    return ZSTD_getErrorCode (r) == ZSTD_error_dstSize_tooSmall ? 0 : -EIO;
  /* 0: the library gave up, as it does unless it saves a sixtieth. */
  if (r > dst_len)
    return 0;
  memcpy (dst, c->bounce, r);
  return r;
}

static int
zstd_decompress (const void *reader, void *decompressor, const void *src,
                 size_t src_len, void *dst, size_t dst_len)
{
  ZSTD_DCtx *dctx = decompressor;

  if (ZSTD_isError (ZSTD_decompressBegin_usingDDict (dctx, reader)))
    return -EIO;
  return ZSTD_decompressBlock (dctx, dst, dst_len, src, src_len) == dst_len
         ? 0 : -EIO;
}

const struct codec codec_zstd = {
  .info = {
    .name = "zstd",
    .level_default = 1,
    .level_means = "slower, compresses more",
  },
  .probe = zstd_probe,
  .params_new = zstd_params_new,
  .params_free = zstd_params_free,
  .params_bytes = zstd_params_bytes,
  .reader_new = zstd_reader_new,
  .reader_free = zstd_reader_free,
  .reader_bytes = zstd_reader_bytes,
  .train_bytes = zstd_train_bytes,
  .train = zstd_train,
  .dictionary_check = zstd_dictionary_check,
  .compressor_new = zstd_compressor_new,
  .compressor_free = zstd_compressor_free,
  .compressor_bytes = zstd_compressor_bytes,
  .decompressor_new = zstd_decompressor_new,
  .decompressor_free = zstd_decompressor_free,
  .decompressor_bytes = zstd_decompressor_bytes,
  .compress = zstd_compress,
  .decompress = zstd_decompress,
};
