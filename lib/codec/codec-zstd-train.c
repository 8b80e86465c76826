/* nbdkit-zram: zstd: a dictionary trained on pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The library's fast cover: it counts in a table of 2^f hashes which strings
 * of eight bytes many pages have, and takes the segments of 256 bytes that
 * have the most of them.  Then it compresses the pages with these to learn
 * the statistics that the dictionary begins with.
 *
 * It was measured with pages of processes and of files: larger segments, a
 * larger dictionary, several tries or more pages gain some thousandths, and
 * cost many times the processor time.
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "codec-zstd.h"
#include "os.h"

/* The table, by how much memory there is to be held, and what of it is for
 * each of its hashes: how often it is in all pages, and in a segment.
 */
static const unsigned table_log[] = { 20, 18, 16 };
#define TABLE_BYTES 6
_Static_assert (sizeof table_log / sizeof table_log[0] ==
                TRAINING_THRIFT_MAX + 1, "one for each");

/* What else the library holds, besides contexts: copies of the dictionary, a
 * block, and counts.
 */
#define OTHER_BYTES ((size_t) 640 << 10)

/* From this strategy on a page takes a quarter of a millisecond and more, if
 * it is made for it two of them.  A quarter of the pages is enough there.
 */
#define SLOW_STRATEGY ZSTD_btlazy2
#define SLOW_PAGES 256

bool
zstd_dictionary_check (const void *data, size_t bytes)
{
  static const unsigned char magic[] = { 0x37, 0xa4, 0x30, 0xec };

  return bytes > sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

static ZSTD_compressionParameters
zstd_train_params (const struct training *t)
{
  return ZSTD_getCParams (t->level, t->page_size, TRAINING_DICTIONARY);
}

static unsigned
zstd_train_pages (const struct training *t)
{
  return zstd_train_params (t).strategy >= SLOW_STRATEGY &&
    t->npages > SLOW_PAGES ? SLOW_PAGES : t->npages;
}

size_t
zstd_train_bytes (const struct training *t)
{
  ZSTD_compressionParameters c = zstd_train_params (t);

  return ((size_t) TABLE_BYTES << table_log[t->thrift]) + OTHER_BYTES +
    ZSTD_estimateCDictSize_advanced (TRAINING_DICTIONARY, c,
                                     ZSTD_dlm_byRef) +
    ZSTD_estimateCCtxSize_usingCParams (c) +
    t->npages * 2 * sizeof (size_t);
}

static int
zstd_train_sized (const struct training *t, unsigned npages,
                  const size_t *sizes, void *dictionary, size_t room)
{
  ZDICT_fastCover_params_t p;
  size_t r;

  memset (&p, 0, sizeof p);
  p.k = 256;
  p.d = 8;
  p.f = table_log[t->thrift];
  p.accel = 1;
  p.splitPoint = 1;
  p.nbThreads = 1;
  p.zParams.compressionLevel = t->level;
  r = ZDICT_trainFromBuffer_fastCover (dictionary, room, t->pages, sizes,
                                       npages, p);
  if (!ZDICT_isError (r))
    return (int) r;
  return ZSTD_getErrorCode (r) == ZSTD_error_memory_allocation ? -ENOMEM : 0;
}

/* The library goes on with NULL where one of its tables is refused.  So ask
 * for twice as much as it will hold before, in case others take some
 * meanwhile.
 */
static bool
zstd_train_memory_is_there (const struct training *t)
{
  size_t bytes = 2 * zstd_train_bytes (t);
  void *p = os_map (bytes);

  os_unmap (p, bytes);
  return p != NULL;
}

int
zstd_train (const struct training *t, void *dictionary, size_t room)
{
  unsigned n = zstd_train_pages (t), i;
  size_t *sizes;
  int r;

  if (n == 0)
    return 0;
  sizes = os_alloc (n * sizeof *sizes);
  if (!sizes || !zstd_train_memory_is_there (t)) {
    os_free (sizes, n * sizeof *sizes);
    return -ENOMEM;
  }
  for (i = 0; i < n; ++i)
    sizes[i] = t->page_size;
  r = zstd_train_sized (t, n, sizes, dictionary, room);
  os_free (sizes, n * sizeof *sizes);
  return r;
}
