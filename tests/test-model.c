/* nbdkit-zram: random operations against a plain array.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * For every codec, and for every page size with the default one, rounds of
 * random operations of 1 byte to 4 MiB, biased to the boundaries of pages,
 * leaves, root entries and the disk; by one thread, by two on ranges of
 * their own, and by four that write interleaved bytes of the same pages.
 * All the while pages are recompressed.  Some rounds run into a memory limit.
 * Each is done twice, the second time with pages that are compressed later, by
 * workers.  After each round everything is
 * read back and the engine recounts itself.
 *
 * ZRAM_SEED=N replays, ZRAM_OPS=N sets operations a round, ZRAM_SOAK=1
 * makes it fifty times as long.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "disk.h"
#include "model-jobs.h"
#include "os.h"
#include "testlib.h"

#define REQUEST_MAX (4u << 20)
#define LATE_PAGES 24

/* A lap of a round; a sanitizer makes each several times as slow. */
#if defined __SANITIZE_THREAD__
#define OPS 1500
#elif defined __SANITIZE_ADDRESS__
#define OPS 4000
#else
#define OPS 40000
#endif

struct round {
  const char *algo;
  uint32_t page;
  uint64_t size;
  unsigned threads;
  bool interleaved;             /* threads own bytes, not ranges */
  bool dictionaries;            /* another dictionary again and again */
  uint64_t mem_limit;
  uint64_t late;                /* bytes */
};

struct world {
  const struct round *round;
  struct zram_disk *disk;
  unsigned char *model;
  uint64_t ops;
};

struct actor {
  struct world *w;
  uint64_t rng;
  unsigned id;
  uint64_t from, to;            /* its range */
  unsigned char *buf, *back;
  uint64_t refused;
  pthread_t thread;
};

/* Offsets near the places where things change. */
static uint64_t
pick_offset (struct actor *a)
{
  static const unsigned units[] = { 1, 1, 4, 64, 4096, 64 * 64 * 4 };
  uint64_t span = a->to - a->from, page = a->w->round->page, unit, x;

  if (rng_below (&a->rng, 4) == 0)
    return a->from + rng_below (&a->rng, span);
  unit = page * units[rng_below (&a->rng, 6)];
  x = rng_below (&a->rng, span / unit + 2) * unit;
  if (rng_below (&a->rng, 2))
    x += rng_below (&a->rng, 40) - 20;
  return a->from + (x < span ? x : span - 1);
}

static uint64_t
pick_length (struct actor *a, uint64_t offset)
{
  uint64_t page = a->w->round->page, n, left = a->to - offset;

  if (rng_below (&a->rng, 400) == 0) {
    n = 1 + rng_below (&a->rng, REQUEST_MAX);
    return n < left ? n : left;
  }
  switch (rng_below (&a->rng, 16)) {
  case 0: n = 1 + rng_below (&a->rng, 16 * page); break;
  case 1: case 2: case 3: n = 1 + rng_below (&a->rng, 64); break;
  case 4: case 5: case 6: n = 1 + rng_below (&a->rng, page); break;
  default: n = page * (1 + rng_below (&a->rng, 4)); break;
  }
  return n < left ? n : left;
}

/* After a request failed for lack of memory each page is the old one or
 * the new one; find out, and tell the model.
 */
static void
settle (struct actor *a, const unsigned char *want, uint64_t n,
        uint64_t offset)
{
  uint64_t page = a->w->round->page, k, i;

  a->refused++;
  CHECK (zram_pread (a->w->disk, a->back, n, offset) == 0);
  for (i = 0; i < n; i += k) {
    unsigned char *m = a->w->model + offset + i;

    k = page - (offset + i) % page;
    if (k > n - i)
      k = n - i;
    if (memcmp (a->back + i, want + i, k) == 0)
      memcpy (m, want + i, k);
    else
      CHECK (memcmp (a->back + i, m, k) == 0);
  }
}

/* Write what is in the buffer. */
static void
settle_write (struct actor *a, uint64_t n, uint64_t offset)
{
  int r;

  r = zram_pwrite (a->w->disk, a->buf, n, offset);
  if (r == 0)
    memcpy (a->w->model + offset, a->buf, n);
  else {
    CHECK (r == -ENOSPC && a->w->round->mem_limit);
    settle (a, a->buf, n, offset);
  }
}

static void
do_write (struct actor *a, uint64_t n, uint64_t offset)
{
  fill_buffer (&a->rng, a->buf, n);
  settle_write (a, n, offset);
}

static void
do_read (struct actor *a, uint64_t n, uint64_t offset)
{
  memset (a->back, 0x5a, n);
  CHECK (zram_pread (a->w->disk, a->back, n, offset) == 0);
  CHECK (memcmp (a->back, a->w->model + offset, n) == 0);
}

static void
do_clear (struct actor *a, uint64_t n, uint64_t offset, bool trim)
{
  int r;

  r = trim ? zram_trim (a->w->disk, n, offset)
    : zram_zero (a->w->disk, n, offset);
  if (r == 0)
    memset (a->w->model + offset, 0, n);
  else {
    CHECK (r == -ENOSPC && a->w->round->mem_limit);
    memset (a->buf, 0, n);
    settle (a, a->buf, n, offset);
  }
}

struct walk {
  const unsigned char *model;
  uint64_t next;
  int last;
};

static int
see_extent (void *opaque, uint64_t offset, uint64_t length,
            enum zram_extent type)
{
  struct walk *w = opaque;

  CHECK (offset == w->next && length > 0 && (int) type != w->last);
  CHECK (type == ZRAM_EXTENT_DATA ||
         is_zero (w->model + offset, length));
  w->next += length;
  w->last = (int) type;
  return 0;
}

static void
do_extents (struct actor *a, uint64_t n, uint64_t offset)
{
  struct walk w = { a->w->model, offset, -1 };

  CHECK (zram_extents (a->w->disk, n, offset, see_extent, &w) == 0);
  CHECK (w.next == offset + n);
}

static void
step (struct actor *a)
{
  uint64_t offset = pick_offset (a), n = pick_length (a, offset);

  switch (rng_below (&a->rng, 64)) {
  case 0: do_extents (a, n, offset); break;
  case 1: case 2: case 3: do_clear (a, n, offset, true); break;
  case 4: case 5: case 6: do_clear (a, n, offset, false); break;
  case 7:
    if (rng_below (&a->rng, 64) == 0)
      CHECK (zram_compact (a->w->disk) == 0);
    break;
  default:
    if (rng_below (&a->rng, 5) < 2)
      do_read (a, n, offset);
    else
      do_write (a, n, offset);
  }
}

/* Everyone writes to the same few pages, each to bytes of its own. */
static void
step_interleaved (struct actor *a)
{
  unsigned threads = a->w->round->threads;
  uint64_t pages = 3, page = a->w->round->page, stripe = 64;
  uint64_t stripes = pages * page / stripe / threads;
  uint64_t offset = (rng_below (&a->rng, stripes) * threads + a->id) * stripe;
  uint64_t n = 1 + rng_below (&a->rng, stripe);

  offset += rng_below (&a->rng, stripe - n + 1);
  switch (rng_below (&a->rng, 8)) {
  case 0: do_clear (a, n, offset, rng_below (&a->rng, 2)); break;
  case 1: case 2: do_read (a, n, offset); break;
  default: do_write (a, n, offset);
  }
}

/* More noise than the memory limit allows, so that every limited round
 * meets it however few its operations are.
 */
static void
press (struct actor *a)
{
  uint64_t n = 65536, offset, i;

  for (offset = a->from; offset < a->from + a->w->round->mem_limit;
       offset += n) {
    for (i = 0; i < n; ++i)
      a->buf[i] = (unsigned char) rng_next (&a->rng);
    settle_write (a, n, offset);
  }
}

static void *
act (void *arg)
{
  struct actor *a = arg;
  uint64_t i;

  if (a->w->round->mem_limit)
    press (a);
  for (i = 0; i < a->w->ops; ++i)
    if (a->w->round->interleaved)
      step_interleaved (a);
    else
      step (a);
  return NULL;
}

static void
verify (struct world *w, unsigned char *buf)
{
  struct walk walk = { w->model, 0, -1 };
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_stats st;
  uint64_t i, n;

  for (i = 0; i < w->round->size; i += n) {
    n = w->round->size - i < REQUEST_MAX ? w->round->size - i : REQUEST_MAX;
    CHECK (zram_pread (w->disk, buf, n, i) == 0);
    CHECK (memcmp (buf, w->model + i, n) == 0);
  }
  CHECK (zram_extents (w->disk, w->round->size, 0, see_extent, &walk) == 0);
  CHECK (walk.next == w->round->size);
  if (zram_recount (w->disk, message) < 0)
    fail ("recount: %s", message);
  zram_stats (w->disk, &st);
  CHECK (st.corrupt == 0);
  CHECK (!st.mem_limit || st.mem_used_max <= st.mem_limit);
}

/* Everything is idle, and cold, as soon as it can be. */
static struct zram_upkeep
upkeep_at_once (void)
{
  struct zram_upkeep u = zram_upkeep_usual ();

  u.n[ZRAM_UPKEEP_SHORT] = u.n[ZRAM_UPKEEP_IDLE_MIN] = 1;
  u.n[ZRAM_UPKEEP_IDLE_MAX] = 1;
  u.n[ZRAM_UPKEEP_COLD] = 100;
  u.n[ZRAM_UPKEEP_SPEED] = 10000;
  u.n[ZRAM_UPKEEP_LEAST] = 0;
  u.n[ZRAM_UPKEEP_CPU] = u.n[ZRAM_UPKEEP_PRESSURE] = 100;
  return u;
}

static void
play (const struct round *round, uint64_t seed, uint64_t ops)
{
  struct zram_params params = {
    .size = round->size, .page_size = round->page, .algo = round->algo,
    .mem_limit = round->mem_limit, .late = round->late, .serial = true,
    .dictionary = ZRAM_DICTIONARY_OFF, .upkeep = upkeep_at_once (),
  };
  struct jobs jobs;
  struct world w = { .round = round, .ops = ops / round->threads };
  char message[ZRAM_MESSAGE_MAX] = "";
  struct actor actor[4];
  uint64_t refused = 0;
  unsigned i, lap;

  printf ("%s page %" PRIu32 " size %" PRIu64 " threads %u%s%s%s: ",
          round->algo, round->page, round->size, round->threads,
          round->interleaved ? " interleaved" : "",
          round->mem_limit ? " limited" : "", round->late ? " late" : "");
  fflush (stdout);
  w.model = os_map (round->size);
  CHECK (w.model != NULL);
  if (zram_open (&params, &w.disk, message) < 0)
    fail ("open: %s", message);
  CHECK (zram_keeper_start (w.disk) == 0);
  jobs_start (&jobs, w.disk, round->dictionaries);
  memset (actor, 0, sizeof actor);

  for (lap = 0; lap < 3; ++lap) {
    for (i = 0; i < round->threads; ++i) {
      struct actor *a = &actor[i];
      uint64_t part = round->size / round->threads;

      a->w = &w;
      a->id = i;
      a->rng = seed + lap * 16 + i + 1;
      a->from = i * part;
      a->to = i + 1 == round->threads ? round->size : a->from + part;
      a->buf = a->buf ? a->buf : malloc (REQUEST_MAX);
      a->back = a->back ? a->back : malloc (REQUEST_MAX);
      CHECK (a->buf && a->back);
      CHECK (pthread_create (&a->thread, NULL, act, a) == 0);
    }
    for (i = 0; i < round->threads; ++i)
      CHECK (pthread_join (actor[i].thread, NULL) == 0);
    verify (&w, actor[0].buf);
    if (lap == 1) {
      CHECK (zram_reset (w.disk) == 0);
      os_give_back (w.model, round->size & ~(uint64_t) 4095);
      memset (w.model + (round->size & ~(uint64_t) 4095), 0,
              round->size & 4095);
      verify (&w, actor[0].buf);
    }
  }

  jobs_end (&jobs);
  for (i = 0; i < round->threads; ++i) {
    refused += actor[i].refused;
    free (actor[i].buf);
    free (actor[i].back);
  }
  printf ("ok, %" PRIu64 " refused\n", refused);
  CHECK (!round->mem_limit || refused > 0);
  zram_close (w.disk);
  os_unmap (w.model, round->size);
}

static void
play_twice (struct round *round, uint64_t seed, uint64_t ops)
{
  play (round, seed, ops / 2);
  round->late = LATE_PAGES * round->page;
  play (round, seed, ops / 2);
}

int
main (void)
{
  const char *soak = getenv ("ZRAM_SOAK");
  uint64_t seed = env_number ("ZRAM_SEED", (uint64_t) time (NULL));
  uint64_t ops = env_number ("ZRAM_OPS", OPS * (soak ? 50 : 1));
  const uint64_t MiB = 1 << 20;
  const struct zram_codec_info *info;
  uint32_t page;
  unsigned i;

  printf ("ZRAM_SEED=%" PRIu64 " ZRAM_OPS=%" PRIu64 "\n", seed, ops);
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i) {
    struct round r = {
      .algo = info->name, .page = 4096, .size = 17 * MiB + 1000,
      .threads = 1,
    };
    play_twice (&r, seed, ops / 4);
  }
  for (page = ZRAM_PAGE_MIN; page <= ZRAM_PAGE_MAX; page *= 4) {
    struct round r = {
      .algo = zram_codec_default (), .page = page, .size = 80 * MiB + 512,
      .threads = 2, .dictionaries = true,
    };

    if (codec_get ((unsigned) codec_find (r.algo))->train)
      play (&r, seed, ops / 2);
  }
  for (page = ZRAM_PAGE_MIN; page <= ZRAM_PAGE_MAX; page *= 2) {
    struct round rounds[] = {
      { .page = page, .size = 9 * MiB + page / 2 + 1, .threads = 1 },
      { .page = page, .size = 300 * MiB + 512, .threads = 2 },
      { .page = page, .size = 256 * MiB, .threads = 4, .interleaved = true },
      { .page = page, .size = 30 * MiB, .threads = 2,
        .mem_limit = 2 * MiB + 32 * page },
    };

    for (i = 0; i < sizeof rounds / sizeof rounds[0]; ++i) {
      rounds[i].algo = zram_codec_info (0)->name;
      play_twice (&rounds[i], seed, page == 4096 ? ops : ops / 4);
    }
  }
  return 0;
}
