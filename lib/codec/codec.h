/* nbdkit-zram: the interface between the disk and its codecs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A codec is one small file with one const table of operations, listed
 * once in codec.c; the order there is the order shown to people.
 *
 * Three things are kept apart:
 *   struct codec         what the codec is: code and ranges, immutable
 *   params (void *)      its level and dictionary, digested to compress
 *                        with; immutable once made, shared by all threads
 *   reader (void *)      its dictionary, digested to decompress with; the
 *                        same
 *   compressor, decompressor (void *)
 *                        scratch memory of one call at a time
 */

#ifndef ZRAM_CODEC_H
#define ZRAM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dictionary.h"
#include "zram.h"

/* What a dictionary is trained on, and how. */
struct training {
  int level;                    /* that it is for */
  size_t page_size;
  const char *pages;            /* npages of them, one after the other */
  unsigned npages;
  unsigned thrift;              /* 0: as good as can be; each more holds about
                                   a quarter of the memory, up to: */
#define TRAINING_THRIFT_MAX 2
};
#define TRAINING_DICTIONARY ((size_t) 64 << 10) /* bytes it makes at most */

struct codec {
  struct zram_codec_info info;
  /* Fills in what is only known at run time (versions, zstd's lowest
   * level); called once, before anything else, by the first codec_get.
   */
  void (*probe) (struct zram_codec_info *info);

  /* Make parameters for pages of page_size bytes.  The level has been
   * checked against info.  The dictionary, if not NULL, must stay as long as
   * they do.  NULL: no memory, or what the dictionary says of itself is
   * damaged.  params_bytes is what they hold, for the memory account; NULL:
   * next to nothing.
   */
  void *(*params_new) (int level, size_t page_size,
                       const struct dictionary *dictionary);
  void (*params_free) (void *params);
  size_t (*params_bytes) (const void *params);

  /* The same of a dictionary, to decompress with.  All three are NULL if
   * the codec takes no dictionary.
   */
  void *(*reader_new) (const struct dictionary *dictionary);
  void (*reader_free) (void *reader);
  size_t (*reader_bytes) (const void *reader);

  /* Train a dictionary, which may take a fifth of a second: its bytes, at
   * most room; 0 if there is nothing to be learnt from these pages; -ENOMEM.
   * The pages may be hostile.  train_bytes is what it holds meanwhile at
   * most, besides pages and result, and may be asked before the pages are
   * there.  dictionary_check: does this look like one of this codec's?  All
   * three are NULL if the codec takes no dictionary.
   */
  size_t (*train_bytes) (const struct training *training);
  int (*train) (const struct training *training, void *dictionary,
                size_t room);
  bool (*dictionary_check) (const void *data, size_t bytes);

  /* A compressor for these parameters; NULL: no memory.  It is made so
   * that no later call allocates (lz4hc's library does, from level 10 on).
   * compressor_bytes is what it holds resident at most, for the memory
   * account; it never changes.
   */
  void *(*compressor_new) (const void *params);
  void (*compressor_free) (void *compressor);
  size_t (*compressor_bytes) (const void *compressor);

  /* The same to decompress with, whatever the parameters were.  All three
   * are NULL if the codec needs nothing; then NULL is its decompressor.
   */
  void *(*decompressor_new) (void);
  void (*decompressor_free) (void *decompressor);
  size_t (*decompressor_bytes) (const void *decompressor);

  /* Compress src_len bytes into at most dst_len bytes.  The number of
   * bytes used, or 0 if they do not fit (the codec gives up as early as
   * it can), or -EIO if the library failed for another reason.  Never
   * writes beyond dst_len.
   */
  int (*compress) (const void *params, void *compressor,
                   const void *src, size_t src_len,
                   void *dst, size_t dst_len);

  /* Decompress exactly src_len bytes into exactly dst_len bytes: 0, or
   * -EIO if src is anything else.  The reader is of the dictionary that it
   * was compressed with, or NULL.  src may be hostile: never reads beyond
   * src_len or writes beyond dst_len.
   */
  int (*decompress) (const void *reader, void *decompressor,
                     const void *src, size_t src_len,
                     void *dst, size_t dst_len);
};

/* Make a decompressor, if one is needed: false if there is no memory. */
static inline bool
decompressor_new (const struct codec *c, void **decompressor)
{
  *decompressor = c->decompressor_new ? c->decompressor_new () : NULL;
  return *decompressor || !c->decompressor_new;
}

static inline void
decompressor_free (const struct codec *c, void *decompressor)
{
  if (decompressor)
    c->decompressor_free (decompressor);
}

static inline size_t
decompressor_bytes (const struct codec *c, const void *decompressor)
{
  return decompressor ? c->decompressor_bytes (decompressor) : 0;
}

/* The registry.  A codec's id is its place in it, fixed at build time;
 * NULL past the last.  There are at most CODEC_MAX.
 */
#define CODEC_MAX ZRAM_CODECS_MAX
extern const struct codec *codec_get (unsigned id);

/* What codec.c makes the registry from, and nobody else looks at: the info
 * in these has not been through probe.
 */
extern const struct codec codec_lz4, codec_lz4hc;
extern const struct codec codec_zstd, codec_lzo, codec_deflate;

/* By name or alias.  The id, or -1. */
extern int codec_find (const char *name);

/* Check a level against a codec's range: 0, or -EINVAL and a message that
 * names the value and the range.
 */
extern int codec_check_level (const struct codec *codec, int level,
                              char message[ZRAM_MESSAGE_MAX]);

#endif /* ZRAM_CODEC_H */
