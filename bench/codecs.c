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

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "samefilled.h"

static const char *corpus;
static uint64_t corpus_size, sample_size;

/* The case being measured; codec NULL: copy. */
static const struct codec *codec;
static void *params, *compressor, *decompressor;
static size_t page_size;

/* A sampled page, and where it is stored; length 0: as a word. */
struct sample {
  const char *page;
  uint64_t word;
  size_t at, length;
};

static void die (const char *what, const char *why)
  __attribute__ ((noreturn));
static void
die (const char *what, const char *why)
{
  fprintf (stderr, "codecs: %s: %s\n", what, why);
  exit (EXIT_FAILURE);
}

static void *
allocate (size_t n, size_t size)
{
  void *p = calloc (n, size);

  if (!p)
    die ("no memory", strerror (ENOMEM));
  return p;
}

static uint64_t
random_below (uint64_t n)
{
  static uint64_t state = 88172645463325252;

  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % n;
}

static double
cpu_seconds (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* "zstd:-1@16384".  The level that is meant. */
static int
parse (const char *text)
{
  char *name = strdup (text), *level, *page, message[ZRAM_MESSAGE_MAX];
  int id, n = 0;

  if (!name)
    die ("no memory", text);
  page = strchr (name, '@');
  if (page)
    *page++ = '\0';
  level = strchr (name, ':');
  if (level)
    *level++ = '\0';
  page_size = page ? strtoul (page, NULL, 10) : 4096;
  if (page_size < ZRAM_PAGE_MIN || page_size > ZRAM_PAGE_MAX ||
      (page_size & (page_size - 1)))
    die (text, "pages are of 4096 to 65536 bytes");
  codec = NULL;
  if (strcmp (name, "copy") != 0) {
    id = codec_find (name);
    if (id < 0)
      die (text, "there is no such codec");
    codec = codec_get (id);
    n = level ? atoi (level) : codec->info.level_default;
    if (level && codec_check_level (codec, n, message) < 0)
      die (text, message);
  }
  free (name);
  return n;
}

static void
shuffle (struct sample *samples, size_t n)
{
  size_t i, j;
  struct sample s;

  for (i = n; i > 1; --i) {
    j = random_below (i);
    s = samples[i - 1];
    samples[i - 1] = samples[j];
    samples[j] = s;
  }
}

/* Bytes used at `at' of the store. */
static size_t
compress (struct sample *s, char *store, size_t at)
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
    die (codec->info.name, strerror (-r));
  if (r == 0)
    memcpy (store + at, s->page, page_size);
  s->length = r ? (size_t) r : page_size;
  return s->length;
}

static void
decompress (const struct sample *s, const char *store, char *page)
{
  int r = 0;

  if (s->length == 0)
    page_fill (page, page_size, s->word);
  else if (s->length == page_size)
    memcpy (page, store + s->at, page_size);
  else
    r = codec->decompress (decompressor, store + s->at, s->length,
                           page, page_size);
  if (r < 0)
    die (codec->info.name, strerror (-r));
}

static void
measure (const char *text)
{
  const int level = parse (text);
  const size_t n = sample_size / page_size;
  struct sample *samples = allocate (n, sizeof *samples);
  char *store = allocate (n + 1, page_size), page[ZRAM_PAGE_MAX];
  double begin, stored, restored;
  size_t i, at = 0;

  if (codec) {
    params = codec->params_new (level, page_size);
    compressor = params ? codec->compressor_new (params) : NULL;
    if (!compressor || !decompressor_new (codec, &decompressor))
      die (text, "no memory");
  }
  /* Touched before, or the kernel's work would be counted. */
  memset (store, 1, (n + 1) * page_size);
  for (i = 0; i < n; ++i)
    samples[i].page = corpus +
      (i * (corpus_size / page_size) / n) * page_size;
  shuffle (samples, n);
  begin = cpu_seconds ();
  for (i = 0; i < n; ++i)
    at += compress (&samples[i], store, at);
  stored = cpu_seconds () - begin;
  shuffle (samples, n);
  begin = cpu_seconds ();
  for (i = 0; i < n; ++i)
    decompress (&samples[i], store, page);
  restored = cpu_seconds () - begin;

  printf ("{\"case\": \"%s\", \"codec\": \"%s\", \"level\": %d, "
          "\"page_size\": %zu, \"pages\": %zu, \"bytes\": %zu, "
          "\"ratio\": %.4f, \"compress_us\": %.3f, \"decompress_us\": %.3f}\n",
          text, codec ? codec->info.name : "copy", level, page_size, n, at,
          (double) (n * page_size) / (double) at, stored / (double) n * 1e6,
          restored / (double) n * 1e6);
  if (codec) {
    codec->compressor_free (compressor);
    decompressor_free (codec, decompressor);
    codec->params_free (params);
  }
  free (samples);
  free (store);
}

int
main (int argc, char *argv[])
{
  struct stat st;
  int i, fd;

  if (argc < 4 || (fd = open (argv[1], O_RDONLY)) == -1 ||
      fstat (fd, &st) == -1) {
    fprintf (stderr, "usage: codecs CORPUS MIB CODEC[:LEVEL][@PAGE]...\n");
    return EXIT_FAILURE;
  }
  corpus_size = (uint64_t) st.st_size;
  sample_size = strtoull (argv[2], NULL, 10) << 20;
  if (sample_size == 0 || sample_size > corpus_size)
    die (argv[2], "so many MiB are not in the corpus");
  corpus = mmap (NULL, corpus_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
                 fd, 0);
  if (corpus == MAP_FAILED)
    die (argv[1], strerror (errno));
  close (fd);
  for (i = 3; i < argc; ++i)
    measure (argv[i]);
  return EXIT_SUCCESS;
}
