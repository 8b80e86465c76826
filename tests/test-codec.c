/* nbdkit-zram: test of the codecs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every codec must give back what it was given, at every page size and
 * over its range of levels, use exactly the room it is told it has,
 * allocate nothing on the way, and survive any input.  Source and
 * destination of each call lie against inaccessible pages, so one byte
 * too far is a crash.
 *
 * usage: test-codec [SEED]
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec.h"
#include "pages.h"
#include "watch-malloc.h"

/* What is being tested, for messages.  Only the main thread writes it. */
static struct {
  uint64_t seed;
  const char *codec, *doing;
  int level;
  size_t page_size;
} now = { .codec = "no codec", .doing = "starting" };

static void
say_where (int line)
{
  fprintf (stderr, "test-codec.c:%d: %s level %d page %zu (%s) seed %" PRIu64
           ": ", line, now.codec, now.level, now.page_size, now.doing,
           now.seed);
}

static void fail (int line, const char *expr, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4), noreturn));

static void
fail (int line, const char *expr, const char *fmt, ...)
{
  va_list args;

  say_where (line);
  fprintf (stderr, "%s: ", expr);
  va_start (args, fmt);
  vfprintf (stderr, fmt, args);
  va_end (args);
  fputc ('\n', stderr);
  exit (1);
}

#define CHECK(expr, ...) \
  do { if (!(expr)) fail (__LINE__, #expr, __VA_ARGS__); } while (0)

static void
crashed (int sig)
{
  say_where (0);
  fprintf (stderr, "signal %d\n", sig);
  _exit (1);
}

/* ---- buffers between inaccessible pages ---- */

#define AREA ((size_t) 4 * ZRAM_PAGE_MAX)

struct area {
  unsigned char *start, *end;
};

static struct area in_area, out_area, object_area;

static void
area_make (struct area *area)
{
  unsigned char *p = mmap (NULL, AREA + 2 * ZRAM_PAGE_MAX, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  CHECK (p != MAP_FAILED, "mmap");
  area->start = p + ZRAM_PAGE_MAX;
  area->end = area->start + AREA;
  CHECK (mprotect (area->start, AREA, PROT_READ | PROT_WRITE) == 0,
         "mprotect");
}

/* Put len bytes against the end of an area. */
static unsigned char *
at_end (const struct area *area, const void *bytes, size_t len)
{
  return memcpy (area->end - len, bytes, len);
}

/* ---- one codec, level and page size ---- */

struct setup {
  const struct codec *codec;
  size_t page_size;
  void *params;
  void *one, *two;              /* compressors */
  void *decompressor;
  bool may_allocate;
};

static void
check_context_bytes (const struct setup *s)
{
  const struct codec *codec = s->codec;
  const size_t said = codec->compressor_bytes (s->one) +
    decompressor_bytes (codec, s->decompressor);
  const size_t held = watched_bytes ();

  /* deflate says what is resident, which is less; lz4hc adds what it
   * allocates during a call.
   */
  if (strcmp (codec->info.name, "deflate") == 0) {
    CHECK (said > 65536 && said <= held, "said %zu, held %zu", said, held);
    if (now.level == codec->info.level_max && now.page_size == ZRAM_PAGE_MIN)
      CHECK (said < held / 2, "said %zu, held %zu", said, held);
  }
  else
    CHECK (said + 256 > held && said < held + 66000,
           "said %zu, held %zu", said, held);
}

static struct setup
setup_new (unsigned id, int level, size_t page_size)
{
  struct setup s = { .codec = codec_get (id), .page_size = page_size };

  now.codec = s.codec->info.name;
  now.level = level;
  now.page_size = page_size;
  now.doing = "making contexts";
  /* Its library allocates in each call, and codec-lz4.c says so. */
  s.may_allocate = strcmp (now.codec, "lz4hc") == 0 && level >= 10;
  s.params = s.codec->params_new (level, page_size, NULL);
  CHECK (s.params != NULL, "no params");
  s.two = s.codec->compressor_new (s.params);
  watch (0);
  s.one = s.codec->compressor_new (s.params);
  CHECK (decompressor_new (s.codec, &s.decompressor), "no decompressor");
  unwatch ();
  CHECK (s.one != NULL && s.two != NULL, "no compressor");
  if (WATCH_MALLOC)
    check_context_bytes (&s);
  return s;
}

static void
setup_free (struct setup *s)
{
  s->codec->compressor_free (s->one);
  s->codec->compressor_free (s->two);
  decompressor_free (s->codec, s->decompressor);
  s->codec->params_free (s->params);
}

/* Compress the page at the end of in_area into room bytes at the end of
 * object_area.
 */
static int
compress (const struct setup *s, size_t room)
{
  unsigned char *const dst = object_area.end - room;
  unsigned calls;
  int r;

  dst[-1] = 0xa5;
  watch (0);
  r = s->codec->compress (s->params, s->one, in_area.end - s->page_size,
                          s->page_size, dst, room);
  calls = unwatch ();
  CHECK (s->may_allocate || calls == 0, "%u allocations", calls);
  CHECK (r >= 0 && (size_t) r <= room, "%d of %zu", r, room);
  CHECK (dst[-1] == 0xa5, "wrote before dst");
  return r;
}

static int
decompress (const struct setup *s, const unsigned char *object, size_t len,
            unsigned char *out, size_t out_len)
{
  unsigned calls;
  int r;

  watch (0);
  r = s->codec->decompress (NULL, s->decompressor, object, len, out, out_len);
  calls = unwatch ();
  CHECK (calls == 0, "%u allocations", calls);
  CHECK (r == 0 || r == -EIO, "%d", r);
  return r;
}

/* An object must be refused at any other length than its own.  Only zstd
 * can take it, at a wrong length, for an object of another page: it reads
 * from both ends.  Then it must be another page.
 */
static void
wrong_lengths (const struct setup *s, const unsigned char *object, size_t len)
{
  const bool zstd = strcmp (s->codec->info.name, "zstd") == 0;
  const size_t page_size = s->page_size;
  unsigned char *const out = out_area.end - page_size;
  unsigned char *p;

  p = at_end (&object_area, object, len - 1);
  CHECK (decompress (s, p, len - 1, out, page_size) == -EIO ||
         (zstd && memcmp (out, in_area.end - page_size, page_size) != 0),
         "%zu bytes less one", len);

  p = object_area.end - len - 1;
  memcpy (p, object, len);
  p[len] = below (256);
  CHECK (decompress (s, p, len + 1, out, page_size) == -EIO ||
         (zstd && memcmp (out, in_area.end - page_size, page_size) != 0),
         "%zu bytes and one", len);

  p = at_end (&object_area, object, len);
  CHECK (decompress (s, p, len, out + 1, page_size - 1) == -EIO,
         "page less one");
  CHECK (decompress (s, p, len, out - 1, page_size + 1) == -EIO,
         "page and one");
}

/* Returns the size of the object. */
static size_t
round_trip (const struct setup *s, const struct page_kind *kind, bool lengths)
{
  static unsigned char object[ZRAM_PAGE_MAX];
  const size_t page_size = s->page_size;
  unsigned char *const page = in_area.end - page_size;
  unsigned char *const out = out_area.end - page_size;
  int r;

  now.doing = kind->name;
  kind->make (page, page_size);
  r = compress (s, page_size);
  CHECK (kind->make != page_noise || r == 0, "noise became %d bytes", r);
  if (r == 0)
    return page_size;
  memcpy (object, object_area.end - page_size, r);

  memset (out, 0x5a, page_size);
  CHECK (decompress (s, at_end (&object_area, object, r), r,
                     out, page_size) == 0, "%d bytes", r);
  CHECK (memcmp (out, page, page_size) == 0, "differs");

  if (lengths) {
    wrong_lengths (s, object, r);
    CHECK (compress (s, r - 1) == 0, "fits into %d less one", r);
    CHECK (compress (s, r) == r, "does not fit into %d", r);
    CHECK (memcmp (object_area.end - r, object, r) == 0, "another object");
    CHECK (compress (s, below (r)) == 0, "fits into less than %d", r);
  }
  return r;
}

/* min, max, default and some levels between them.  Returns how many. */
static unsigned
levels_of (const struct zram_codec_info *info, int levels[8])
{
  static const int more[] = { -5, -1, 3, 9, 19 };
  unsigned i, n = 0;

  if (info->level_min > info->level_max) {
    levels[n++] = info->level_default;
    return n;
  }
  levels[n++] = info->level_min;
  levels[n++] = info->level_max;
  if (info->level_default != info->level_min)
    levels[n++] = info->level_default;
  for (i = 0; i < sizeof more / sizeof more[0]; ++i)
    if (more[i] > info->level_min && more[i] < info->level_max &&
        more[i] != info->level_default)
      levels[n++] = more[i];
  return n;
}

static void
test_round_trips (unsigned id)
{
  const struct zram_codec_info *info = zram_codec_info (id);
  size_t page_size, k, sum;
  int levels[8];
  const unsigned n = levels_of (info, levels);
  unsigned i, j, times;

  for (page_size = ZRAM_PAGE_MIN; page_size <= ZRAM_PAGE_MAX; page_size *= 2)
    for (i = 0; i < n; ++i) {
      const bool is_default = levels[i] == info->level_default;
      struct setup s = setup_new (id, levels[i], page_size);

      /* The slowest levels take a millisecond for 2 KiB. */
      times = is_default ? 8 : 1;
      for (sum = 0, j = 0; j < times; ++j)
        for (k = 0; k < nr_kinds; ++k)
          sum += round_trip (&s, &kinds[k],
                             is_default || page_size < 16384 || k % 4 == 1);
      setup_free (&s);
      now.doing = "sizes";
      CHECK (!is_default || sum < times * nr_kinds * page_size / 2,
             "%zu from %u * %zu pages", sum, times, nr_kinds);
    }
}

/* The level reaches the library: from one end of the range to the other
 * the same page makes objects of other sizes.
 */
static void
test_level_matters (unsigned id)
{
  const struct zram_codec_info *info = zram_codec_info (id);
  const int levels[2] = { info->level_min, info->level_max };
  const bool up_is_smaller = strcmp (info->name, "lz4") != 0;
  size_t len[2];
  unsigned i;
  int r;

  if (info->level_min > info->level_max)
    return;
  kinds[1].make (in_area.end - ZRAM_PAGE_MAX, ZRAM_PAGE_MAX);
  for (i = 0; i < 2; ++i) {
    struct setup s = setup_new (id, levels[i], ZRAM_PAGE_MAX);

    now.doing = "levels";
    r = compress (&s, ZRAM_PAGE_MAX);
    len[i] = r ? (size_t) r : ZRAM_PAGE_MAX;
    setup_free (&s);
  }
  CHECK (up_is_smaller ? len[1] < len[0] : len[1] > len[0],
         "%zu and %zu bytes", len[0], len[1]);
}

/* ---- hostile objects ---- */

#define NR_OBJECTS 40

struct object {
  unsigned char *page, *bytes;
  size_t len;
};

static void
objects_make (const struct setup *s, struct object objects[NR_OBJECTS])
{
  unsigned i = 0;
  int r;

  while (i < NR_OBJECTS) {
    kinds[below (nr_kinds)].make (in_area.end - s->page_size, s->page_size);
    r = compress (s, s->page_size);
    if (r == 0)
      continue;
    objects[i].page = malloc (s->page_size);
    objects[i].bytes = malloc (r);
    CHECK (objects[i].page && objects[i].bytes, "no memory");
    memcpy (objects[i].page, in_area.end - s->page_size, s->page_size);
    memcpy (objects[i].bytes, object_area.end - s->page_size, r);
    objects[i++].len = r;
  }
}

static void
objects_free (struct object objects[NR_OBJECTS])
{
  unsigned i;

  for (i = 0; i < NR_OBJECTS; ++i) {
    free (objects[i].page);
    free (objects[i].bytes);
  }
}

/* Spoil the object in bad in some way.  Returns its new length. */
static size_t
spoil (unsigned char *bad, size_t len, const struct object *other)
{
  const size_t at = below (len);
  size_t n = 1 + below (4), cut;

  switch (below (7)) {
  case 0:                       /* bits */
    while (n-- > 0)
      bad[below (len)] ^= 1 << below (8);
    return len;
  case 1:                       /* bytes, more often near the start */
    while (n-- > 0)
      bad[below (1 + at)] = below (2) ? below (256) : 0xff * below (2);
    return len;
  case 2:                       /* the end is missing */
    return at;
  case 3:                       /* there is more */
    n = 1 + below (64);
    page_noise (bad + len, n);
    return len + n;
  case 4:                       /* a piece is missing */
    cut = 1 + below (len - at);
    memmove (bad + at, bad + at + cut, len - at - cut);
    return len - cut;
  case 5:                       /* it ends like another object */
    cut = below (other->len);
    memcpy (bad + at, other->bytes + cut, other->len - cut);
    return at + other->len - cut;
  default:                      /* it never was an object */
    page_noise (bad, len);
    return len;
  }
}

/* Decompress one bad object, now against the inaccessible page behind,
 * now against the one before.  Returns whether it passed for good.
 */
static bool
try_bad (const struct setup *s, const unsigned char *bad, size_t len)
{
  const bool in_front = below (2), out_front = below (2);
  unsigned char *const in = in_front ? object_area.start
    : object_area.end - len;
  unsigned char *const out = out_front ? out_area.start
    : out_area.end - s->page_size;
  bool good;
  size_t i;

  memcpy (in, bad, len);
  if (out_front)
    memset (out + s->page_size, 0xa5, 64);
  good = decompress (s, in, len, out, s->page_size) == 0;
  for (i = 0; out_front && i < 64; ++i)
    CHECK (out[s->page_size + i] == 0xa5, "wrote beyond dst");
  CHECK (memcmp (in, bad, len) == 0, "wrote into src");
  return good;
}

static unsigned
test_hostile (unsigned id, size_t page_size, unsigned times)
{
  static unsigned char bad[3 * ZRAM_PAGE_MAX];
  struct setup s = setup_new (id, zram_codec_info (id)->level_default,
                              page_size);
  struct object objects[NR_OBJECTS];
  unsigned passed = 0, i;

  now.doing = "hostile objects";
  objects_make (&s, objects);
  for (i = 0; i < times; ++i) {
    const struct object *o = &objects[below (NR_OBJECTS)];

    memcpy (bad, o->bytes, o->len);
    passed += try_bad (&s, bad,
                       spoil (bad, o->len, &objects[below (NR_OBJECTS)]));

    /* The context must not have suffered. */
    if (i % 16 == 0) {
      unsigned char *const out = out_area.end - page_size;

      CHECK (decompress (&s, o->bytes, o->len, out, page_size) == 0,
             "a good object after a bad one");
      CHECK (memcmp (out, o->page, page_size) == 0,
             "differs after a bad one");
    }
  }
  objects_free (objects);
  setup_free (&s);
  return passed;
}

/* ---- memory and threads ---- */

/* Each allocation fails once: no context, and nothing left behind. */
static void
test_no_memory (unsigned id)
{
  const struct codec *codec = codec_get (id);
  void *params, *context = NULL, *decompressor = NULL;
  bool all = false;
  unsigned n;

  now.codec = codec->info.name;
  now.doing = "no memory";
  for (n = 1; !all && n < 100; ++n) {
    watch (n);
    params = codec->params_new (codec->info.level_default, 4096, NULL);
    if (params) {
      context = codec->compressor_new (params);
      all = decompressor_new (codec, &decompressor) && context;
      codec->compressor_free (context);
      decompressor_free (codec, decompressor);
      codec->params_free (params);
    }
    unwatch ();
    CHECK (watched_bytes () == 0, "number %u: %ld bytes lost", n,
           watched_bytes ());
  }
  /* Params and context at least, else malloc is not being watched. */
  CHECK (all && n > 3, "%u", n);
}

#define WORKER_PAGES 64

struct worker {
  const struct setup *setup;
  void *compressor;
  const unsigned char *pages;
  unsigned bad;
};

static void *
worker (void *opaque)
{
  struct worker *w = opaque;
  const struct setup *s = w->setup;
  unsigned char object[4096], out[4096];
  void *decompressor;
  unsigned i;
  int r;

  CHECK (decompressor_new (s->codec, &decompressor), "no decompressor");
  for (i = 0; i < 8 * WORKER_PAGES; ++i) {
    const unsigned char *page = w->pages + i % WORKER_PAGES * 4096;

    r = s->codec->compress (s->params, w->compressor, page, 4096, object,
                            4000);
    w->bad += r < 0 ||
      (r > 0 && (s->codec->decompress (NULL, decompressor, object, r, out,
                                       4096) != 0 ||
                 memcmp (out, page, 4096) != 0));
  }
  decompressor_free (s->codec, decompressor);
  return NULL;
}

/* Two threads with contexts of their own share parameters and pages. */
static void
test_threads (unsigned id)
{
  static unsigned char pages[WORKER_PAGES * 4096];
  struct setup s = setup_new (id, zram_codec_info (id)->level_default, 4096);
  struct worker one = { &s, s.one, pages, 0 }, two = { &s, s.two, pages, 0 };
  pthread_t thread;
  unsigned i;

  now.doing = "two threads";
  for (i = 0; i < WORKER_PAGES; ++i)
    kinds[i % nr_kinds].make (pages + i * 4096, 4096);
  CHECK (pthread_create (&thread, NULL, worker, &one) == 0, "no thread");
  worker (&two);
  CHECK (pthread_join (thread, NULL) == 0, "join");
  CHECK (one.bad + two.bad == 0, "%u and %u bad", one.bad, two.bad);
  setup_free (&s);
}

int
main (int argc, char *argv[])
{
  unsigned id, passed;

  now.seed = pages_seed (argc, argv);
  /* Memory that malloc maps apart is rounded up to pages, which would
   * blur check_context_bytes.
   */
  mallopt (M_MMAP_THRESHOLD, 1 << 30);
  /* The sanitizers say more of a crash. */
  if (WATCH_MALLOC)
    signal (SIGSEGV, crashed);
  area_make (&in_area);
  area_make (&out_area);
  area_make (&object_area);

  for (id = 0; codec_get (id) != NULL; ++id) {
    if (WATCH_MALLOC)
      test_no_memory (id);
    test_round_trips (id);
    test_level_matters (id);
    test_threads (id);
    passed = test_hostile (id, 4096, 90000);
    passed += test_hostile (id, 16384, 9000);
    passed += test_hostile (id, 65536, 3000);
    printf ("%s %s: of 102000 hostile objects %u passed for good\n",
            now.codec, zram_codec_info (id)->version, passed);
  }
  return 0;
}
