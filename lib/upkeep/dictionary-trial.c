/* nbdkit-zram: what a dictionary saves, found by trying it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "coding-change.h"
#include "dictionary-trial.h"
#include "os.h"

enum { PLAIN, WITH, WAYS };

struct bench {
  const struct codec *codec;
  const struct layout *layout;
  void *params[WAYS], *compressor[WAYS];
  void *reader, *decompressor;
  char *out, *back;             /* an object, and a page */
  const struct trial_pages *pages;
  struct trial *trial;
  bool wrong;                   /* a page did not come back */
};

static bool
bench_make_way (struct bench *b, unsigned way, int level,
                const struct dictionary *d)
{
  b->params[way] = b->codec->params_new (level, b->layout->page, d);
  if (b->params[way])
    b->compressor[way] = b->codec->compressor_new (b->params[way]);
  return b->compressor[way];
}

static void
bench_free (struct bench *b)
{
  unsigned way;

  for (way = 0; way < WAYS; ++way) {
    if (b->compressor[way])
      b->codec->compressor_free (b->compressor[way]);
    if (b->params[way])
      b->codec->params_free (b->params[way]);
  }
  if (b->reader)
    b->codec->reader_free (b->reader);
  decompressor_free (b->codec, b->decompressor);
  os_free (b->out, b->layout->page);
  os_free (b->back, b->layout->page);
}

/* -ENOMEM; -EIO if it is the dictionary that is refused: the library does not
 * tell which, and memory for the other way was there.
 */
static int
bench_make (struct bench *b, const struct coding_kind *kind)
{
  b->out = os_alloc (b->layout->page);
  b->back = os_alloc (b->layout->page);
  if (!b->out || !b->back ||
      !decompressor_new (b->codec, &b->decompressor) ||
      !bench_make_way (b, PLAIN, kind->level, NULL))
    return -ENOMEM;
  b->reader = b->codec->reader_new (kind->dictionary);
  return b->reader &&
    bench_make_way (b, WITH, kind->level, kind->dictionary) ? 0 : -EIO;
}

static uint64_t
bench_params_bytes (const struct bench *b, unsigned way)
{
  return b->codec->params_bytes ? b->codec->params_bytes (b->params[way]) : 0;
}

static uint64_t
bench_bytes (const struct bench *b)
{
  uint64_t bytes = 2 * b->layout->page + b->codec->reader_bytes (b->reader) +
    decompressor_bytes (b->codec, b->decompressor);
  unsigned way;

  for (way = 0; way < WAYS; ++way)
    bytes += bench_params_bytes (b, way) +
      b->codec->compressor_bytes (b->compressor[way]);
  return bytes;
}

static uint64_t
bench_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

/* What would be stored of a page, in bytes. */
static uint32_t
bench_compress (struct bench *b, unsigned way, const char *page,
                uint64_t *ns)
{
  const struct layout *l = b->layout;
  uint64_t start = bench_now ();
  int n = b->codec->compress (b->params[way], b->compressor[way], page,
                              l->page, b->out, l->object_max);

  *ns += bench_now () - start;
  if (way == WITH && n > 0)
    b->wrong |= b->codec->decompress (b->reader, b->decompressor, b->out,
                                      (size_t) n, b->back, l->page) < 0 ||
      memcmp (b->back, page, l->page) != 0;
  return n > 0 ? (uint32_t) n : l->page;
}

static void
bench_run (void *opaque)
{
  struct bench *b = opaque;
  unsigned i;

  for (i = 0; i < b->pages->n && !b->wrong; ++i) {
    const char *page = b->pages->pages + (size_t) i * b->layout->page;

    b->trial->plain += bench_compress (b, PLAIN, page,
                                       &b->trial->plain_ns);
    b->trial->with += bench_compress (b, WITH, page, &b->trial->with_ns);
  }
}

static struct bench
bench_for (const struct layout *layout, const struct coding_kind *kind,
           const struct trial_pages *pages, struct trial *trial)
{
  *trial = (struct trial) { 0 };
  return (struct bench) {
    .codec = codec_get (kind->id), .layout = layout, .pages = pages,
    .trial = trial,
  };
}

int
dictionary_trial (const struct parts *p, struct idle *idle,
                  const struct coding_kind *kind,
                  const struct trial_pages *pages, struct trial *trial)
{
  struct bench b = bench_for (p->layout, kind, pages, trial);
  int r = bench_make (&b, kind);
  uint64_t bytes = 0;

  if (r == 0) {
    bytes = bench_bytes (&b) + dictionary_held (kind->dictionary->bytes);
    trial->held = dictionary_held (kind->dictionary->bytes) +
      b.codec->reader_bytes (b.reader) + bench_params_bytes (&b, WITH);
    r = job_charge (p, bytes);
  }
  if (r == 0) {
    idle_run (idle, bench_run, &b);
    r = b.wrong ? -EIO : 0;
  }
  else
    bytes = 0;
  bench_free (&b);
  if (bytes)
    job_credit (p, bytes);
  return r;
}

/* Pages that are like a dictionary: its beginning and its end, and what is
 * not in it between them.
 */
int
dictionary_try (const struct layout *l, const struct coding_kind *kind)
{
  const struct dictionary *d = kind->dictionary;
  size_t n = d->bytes < l->page / 3 ? d->bytes : l->page / 3;
  char *page = os_alloc (l->page);
  const struct trial_pages pages = { page, 1 };
  struct trial trial;
  struct bench b = bench_for (l, kind, &pages, &trial);
  int r = page ? bench_make (&b, kind) : -ENOMEM;

  if (r == 0) {
    memcpy (page, d->data + d->bytes - n, n);
    memcpy (page + l->page - n, d->data, n);
    bench_run (&b);
    r = b.wrong ? -EIO : 0;
  }
  bench_free (&b);
  os_free (page, l->page);
  return r;
}
