/* nbdkit-zram: what the codecs can do, without a disk around them.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 *   codecs CORPUS MIB CODEC[:LEVEL][@PAGE]...
 *
 * Takes so many MiB of pages from all over a corpus, compresses each and
 * decompresses each, in another order, and prints a line of JSON for each
 * codec named: CPU time a page, and what became of the bytes.  Pages of one
 * repeated word are left out as the disk leaves them out, and what does not
 * become smaller stays as it is.  "copy" is no codec: it copies.
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "samefilled.h"
#include "support.h"

static const char *corpus;
static uint64_t corpus_size, sample_size;

/* The case being measured; codec NULL: copy. */
static const struct codec *codec;
static void *params, *compressor, *decompressor;
static size_t page_size;

/* A sampled page, and where it is stored.  length 0: it is one repeated word.
 */
struct sample {
  const char *page;
  uint64_t word;
  size_t at, length;
};

/* Read a case, "zstd:-1@16384", into codec and page_size.  Return the level.
 */
static int
codecs_parse (const char *text)
{
  char *name = strdup (text), *level, *page, message[ZRAM_MESSAGE_MAX];
  int id, n = 0;

  if (!name)
    die ("no memory");
  page = strchr (name, '@');
  if (page)
    *page++ = '\0';
  level = strchr (name, ':');
  if (level)
    *level++ = '\0';
  page_size = page ? strtoul (page, NULL, 10) : 4096;
  if (page_size < ZRAM_PAGE_MIN || page_size > ZRAM_PAGE_MAX ||
      (page_size & (page_size - 1)))
    die ("%s: pages are of 4096 to 65536 bytes", text);
  codec = NULL;
  if (strcmp (name, "copy") != 0) {
    id = codec_find (name);
    if (id < 0)
      die ("%s: there is no such codec", text);
    codec = codec_get (id);
    n = level ? atoi (level) : codec->info.level_default;
    if (level && codec_check_level (codec, n, message) < 0)
      die ("%s: %s", text, message);
  }
  free (name);
  return n;
}

static uint64_t random_state = UINT64_C (88172645463325252);

static void
codecs_shuffle (struct sample *samples, size_t n)
{
  size_t i, j;
  struct sample s;

  for (i = n; i > 1; --i) {
    j = random_below (&random_state, i);
    s = samples[i - 1];
    samples[i - 1] = samples[j];
    samples[j] = s;
  }
}

/* Compress a page to place at of the store.  Return the bytes used. */
static size_t
codecs_compress (struct sample *s, char *store, size_t at)
{
  int r = 0;

  s->at = at;
  s->length = 0;
  if (page_is_same_filled (s->page, page_size, &s->word))
    return 0;
  if (codec)
    r = codec->compress (params, compressor, s->page, page_size, store + at,
                         page_size - 1);
  if (r < 0)
    die ("%s: %s", codec->info.name, strerror (-r));
  if (r == 0)
    memcpy (store + at, s->page, page_size);
  s->length = r ? (size_t) r : page_size;
  return s->length;
}

static void
codecs_decompress (const struct sample *s, const char *store, char *page)
{
  int r = 0;

  if (s->length == 0)
    page_fill (page, page_size, s->word);
  else if (s->length == page_size)
    memcpy (page, store + s->at, page_size);
  else
    r = codec->decompress (NULL, decompressor, store + s->at, s->length,
                           page, page_size);
  if (r < 0)
    die ("%s: %s", codec->info.name, strerror (-r));
}

/* Print what n pages took: bytes, and nanoseconds both ways. */
static void
codecs_report (const char *text, int level, size_t n, size_t bytes,
               uint64_t stored, uint64_t restored)
{
  printf ("{\"case\": \"%s\", \"codec\": \"%s\", \"level\": %d, "
          "\"page_size\": %zu, \"pages\": %zu, \"bytes\": %zu, "
          "\"ratio\": %.4f, \"compress_us\": %.3f, \"decompress_us\": %.3f}\n",
          text, codec ? codec->info.name : "copy", level, page_size, n, bytes,
          (double) (n * page_size) / (double) bytes,
          (double) stored / (double) n / 1e3,
          (double) restored / (double) n / 1e3);
}

static void
codecs_open (const char *text, int level)
{
  if (!codec)
    return;
  params = codec->params_new (level, page_size, NULL);
  compressor = params ? codec->compressor_new (params) : NULL;
  if (!compressor || !decompressor_new (codec, &decompressor))
    die ("%s: no memory", text);
}

static void
codecs_close (void)
{
  if (!codec)
    return;
  codec->compressor_free (compressor);
  decompressor_free (codec, decompressor);
  codec->params_free (params);
}

/* Spread n pages evenly over the corpus, and shuffle them. */
static struct sample *
codecs_sample (size_t n)
{
  struct sample *samples = allocate (n, sizeof *samples);
  size_t i;

  for (i = 0; i < n; ++i)
    samples[i].page = corpus +
      (i * (corpus_size / page_size) / n) * page_size;
  codecs_shuffle (samples, n);
  return samples;
}

static void
codecs_measure (const char *text)
{
  const int level = codecs_parse (text);
  const size_t n = sample_size / page_size;
  struct sample *samples = codecs_sample (n);
  char *store = allocate (n + 1, page_size), page[ZRAM_PAGE_MAX];
  uint64_t begin, stored;
  size_t i, at = 0;

  codecs_open (text, level);
  /* Touch it before, or the kernel's work would be counted. */
  memset (store, 1, (n + 1) * page_size);
  begin = thread_cpu ();
  for (i = 0; i < n; ++i)
    at += codecs_compress (&samples[i], store, at);
  stored = thread_cpu () - begin;
  codecs_shuffle (samples, n);
  begin = thread_cpu ();
  for (i = 0; i < n; ++i)
    codecs_decompress (&samples[i], store, page);
  codecs_report (text, level, n, at, stored, thread_cpu () - begin);
  codecs_close ();
  free (samples);
  free (store);
}

int
main (int argc, char *argv[])
{
  int i;

  if (argc < 4) {
    fprintf (stderr, "usage: codecs CORPUS MIB CODEC[:LEVEL][@PAGE]...\n");
    return EXIT_FAILURE;
  }
  corpus = map_file (argv[1], &corpus_size);
  sample_size = strtoull (argv[2], NULL, 10) << 20;
  if (sample_size == 0 || sample_size > corpus_size)
    die ("%s: so many MiB are not in the corpus", argv[2]);
  for (i = 3; i < argc; ++i)
    codecs_measure (argv[i]);
  return EXIT_SUCCESS;
}
