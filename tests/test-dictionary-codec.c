/* nbdkit-zram: dictionaries of a codec: trained on anything, used for anything.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "codec.h"
#include "pages.h"
#include "testlib.h"
#include "watch-malloc.h"
#include "worlds.h"

#define MiB ((size_t) 1 << 20)
#define PAGE 4096u

static const struct codec *codec;       /* the one that takes a dictionary */

/* Objects of pages of all kinds, with a dictionary. */

struct coder {
  void *params, *reader, *compressor, *decompressor;
};

static struct coder
coder_make (int level, size_t page, const struct dictionary *d)
{
  struct coder c = { .params = codec->params_new (level, page, d) };

  CHECK (c.params);
  c.compressor = codec->compressor_new (c.params);
  c.reader = codec->reader_new (d);
  CHECK (c.compressor && c.reader && decompressor_new (codec,
                                                       &c.decompressor));
  return c;
}

static void
coder_free (struct coder *c)
{
  codec->compressor_free (c->compressor);
  codec->reader_free (c->reader);
  codec->params_free (c->params);
  decompressor_free (codec, c->decompressor);
}

/* What a client could bring about at worst: any bytes as an object. */
static void
check_hostile (struct coder *c, unsigned char *object, size_t n,
               unsigned char *back, size_t page)
{
  unsigned i;

  for (i = 0; i < 20; ++i) {
    object[below (n)] ^= (unsigned char) (1 + below (255));
    codec->decompress (c->reader, c->decompressor, object, n, back, page);
    codec->decompress (c->reader, c->decompressor, object, below (n), back,
                       page);
  }
  CHECK (codec->decompress (c->reader, c->decompressor, object, 0, back,
                            page) < 0);
}

static void
check_page (struct coder *c, const unsigned char *page, size_t len)
{
  unsigned char *object = malloc (len), *back = malloc (len);
  int n = codec->compress (c->params, c->compressor, page, len, object, len);

  CHECK (n >= 0);
  if (n > 0) {
    CHECK (codec->decompress (c->reader, c->decompressor, object, (size_t) n,
                              back, len) == 0);
    CHECK (memcmp (back, page, len) == 0);
    check_hostile (c, object, (size_t) n, back, len);
  }
  free (object);
  free (back);
}

static void
test_round_trips (void)
{
  static const int levels[] = { -5, -1, 1, 2, 3, 4, 6, 9, 12, 13, 15 };
  struct dictionary *d;
  unsigned char *page;
  struct coder c;
  size_t size, i, k;

  for (size = ZRAM_PAGE_MIN; size <= ZRAM_PAGE_MAX; size *= 2) {
    page = malloc (size);
    for (i = 0; i < sizeof levels / sizeof levels[0]; ++i) {
      d = world_dictionary (codec, levels[i] > 6 ? 6 : levels[i], size, 1);
      c = coder_make (levels[i], size, d);
      for (k = 0; k < nr_kinds; ++k) {
        kinds[k].make (page, size);
        check_page (&c, page, size);
      }
      for (k = 0; k < 4; ++k) {
        world_page (page, size, k < 3 ? 1 : 2, 5000 + k);
        check_page (&c, page, size);
      }
      coder_free (&c);
      dictionary_drop (d);
    }
    free (page);
  }
}

/* Training on what teaches nothing, or is there to confuse. */

static void
hostile_pages (char *pages, size_t bytes, unsigned kind, size_t page)
{
  uint64_t rng = 5;
  size_t i;

  for (i = 0; i < bytes; ++i)
    pages[i] = kind == 0 ? 0 : kind == 1 ? (char) rng_next (&rng)
      : kind == 2 ? (char) (i % page * 2654435761u >> 24)
      : kind == 3 ? (char) (i / 7 % 2) : (char) (i % 251);
}

/* The result is harmless: it can be used, or is refused. */
static void
check_training (const struct training *t)
{
  char *out = malloc (TRAINING_DICTIONARY);
  struct dictionary *d;
  struct coder c;
  int n;

  watch (0);
  n = codec->train (t, out, TRAINING_DICTIONARY);
  unwatch ();
  CHECK (n >= 0 && n <= (int) TRAINING_DICTIONARY);
  if (WATCH_MALLOC)
    CHECK (watched_bytes () == 0 &&
           watched_peak () <= (long) codec->train_bytes (t));
  if (n > 0) {
    d = dictionary_new (out, (size_t) n);
    c = coder_make (t->level, t->page_size, d);
    check_page (&c, (const unsigned char *) t->pages, t->page_size);
    coder_free (&c);
    dictionary_drop (d);
  }
  free (out);
}

static void
test_hostile_training (void)
{
  static const unsigned counts[] = { 0, 1, 2, 5, 8, 64, 256 };
  char *pages = malloc (MiB);
  struct training t = { .page_size = PAGE, .pages = pages };
  unsigned kind;
  size_t i;

  for (kind = 0; kind < 5; ++kind) {
    hostile_pages (pages, MiB, kind, PAGE);
    for (i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
      t.npages = counts[i];
      t.thrift = (unsigned) i % (TRAINING_THRIFT_MAX + 1);
      t.level = i % 2 ? 1 : -3;
      check_training (&t);
    }
    t.npages = 64;
    t.level = 15;
    check_training (&t);
  }
  free (pages);
}

/* What training holds is said before; if it is refused memory it says so and
 * has freed all.  The first two calls are ours; some of the library's own must
 * not fail, which the second sees to.
 */
#define CALLS 2

static void
test_memory (void)
{
  static const int levels[] = { -5, 1, 3, 6, 12, 15, 19 };
  char *pages = malloc (MiB), *out = malloc (TRAINING_DICTIONARY);
  struct training t = {
    .page_size = PAGE, .pages = pages, .npages = MiB / PAGE,
  };
  unsigned i, n;

  for (i = 0; i < MiB / PAGE; ++i)
    world_page ((unsigned char *) pages + i * PAGE, PAGE, 1, i);
  for (i = 0; i < sizeof levels / sizeof levels[0]; ++i)
    for (t.thrift = 0; t.thrift <= TRAINING_THRIFT_MAX; ++t.thrift) {
      t.level = levels[i];
      check_training (&t);
    }
  t.level = 1;
  for (n = 1; n <= CALLS && WATCH_MALLOC; ++n) {
    watch (n);
    CHECK (codec->train (&t, out, TRAINING_DICTIONARY) == -ENOMEM);
    unwatch ();
    CHECK (watched_bytes () == 0);
  }
  free (pages);
  free (out);
}

int
main (int argc, char *argv[])
{
  int id = world_codec ();

  pages_seed (argc, argv);
  if (id < 0)
    return 77;
  codec = codec_get ((unsigned) id);
  test_round_trips ();
  test_hostile_training ();
  test_memory ();
  return 0;
}
