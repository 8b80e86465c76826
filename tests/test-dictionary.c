/* nbdkit-zram: the dictionaries of a disk: tried, used, replaced, freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "coding-change.h"
#include "dictionary-train.h"
#include "worlddisk.h"

/* Train now, whatever the job thinks. */
static void
step_now (void)
{
  d->dictionary_job.due_stored = 0;
  d->dictionary_job.rest = 0;
  step ();
}

static void
test_begins (void)
{
  uint64_t changes;
  struct zram_stats st;

  d = open_disk (64 * MiB);
  CHECK (!step () && says ("more is stored"));
  put_many (0, 4000, 1);        /* not quite 16 MiB */
  CHECK (!step () && disk_stats (d).dictionary_trainings == 0);
  put_many (4000, 8000, 1);
  changes = d->shards[0].changes;
  CHECK (step () && says ("in use"));
  CHECK (d->shards[0].changes == changes);      /* it was no access */
  st = disk_stats (d);
  CHECK (st.dictionaries == 1 && st.dictionary_trainings == 1);
  CHECK (st.dictionary_bytes > 64 * 1024 && st.dictionary_bytes < MiB);
  CHECK (st.dictionary_gain >= DICTIONARY_GAIN);
  CHECK (!step ());             /* there is nothing to do */
  check_pages (7);
  /* Written again all of it is smaller, by more than it holds. */
  put_many (0, 8000, 1);
  CHECK (disk_stats (d).compr_data_size + st.dictionary_bytes <
         st.compr_data_size);
  CHECK (disk_stats (d).dictionary_gain <= 1000);
  check_pages (1);
  zram_close (d);
}

/* Nothing is saved: no page is like another. */
static void
test_no_gain (void)
{
  unsigned char page[PAGE];
  uint64_t n;

  d = open_disk (64 * MiB);
  for (n = 0; n < 5000; ++n) {
    page_make (page, PAGE, 2000, n + 1);
    CHECK (zram_pwrite (d, page, PAGE, n * PAGE) == 0);
  }
  CHECK (step () && disk_stats (d).dictionary_trainings == 1);
  CHECK (disk_stats (d).dictionaries == 0 && says ("saved enough"));
  CHECK (!step ());             /* until there is twice as much */
  disk_recount (d);
  for (; n < 10100; ++n) {
    page_make (page, PAGE, 2000, n + 1);
    CHECK (zram_pwrite (d, page, PAGE, n * PAGE) == 0);
  }
  CHECK (step () && disk_stats (d).dictionary_trainings == 2);
  zram_close (d);

  /* Raw and same-filled pages teach nothing either. */
  d = open_disk (64 * MiB);
  for (n = 0; n < 9000; ++n) {
    if (n % 2)
      page_make (page, PAGE, PAGE, n + 1);
    else
      page_same (page, PAGE, n + 1);
    CHECK (zram_pwrite (d, page, PAGE, n * PAGE) == 0);
  }
  CHECK (!step () && disk_stats (d).dictionary_trainings == 0);
  zram_close (d);
}

/* What is written changes: first that is noticed, then there is another. */
static void
test_shift (void)
{
  unsigned i;

  d = open_disk (128 * MiB);
  put_many (0, 8000, 1);
  CHECK (step () && disk_stats (d).dictionaries == 1);
  for (i = 0; i < 3; ++i)       /* more of the same: no reason */
    put_many (0, 8000, 1);
  CHECK (step () && !step ());
  CHECK (disk_stats (d).dictionary_trainings == 1);
  for (i = 0; i < 3; ++i)
    put_many (8000, 16000, 2);
  CHECK (step () && disk_stats (d).dictionary_gain < DICTIONARY_GAIN);
  put_many (8000, 16000, 2);
  CHECK (step () && disk_stats (d).dictionary_trainings == 2);
  CHECK (disk_stats (d).dictionaries == 2 && says ("in use"));
  check_pages (5);
  /* All that was written with the first is written over: it goes. */
  put_many (0, 16000, 2);
  codings_tidy (&d->parts);
  CHECK (disk_stats (d).dictionaries == 1);
  check_pages (1);
  zram_close (d);
}

/* Many worlds, one after the other: there are never too many generations, and
 * what was written with the first is there still.
 */
static void
test_generations (void)
{
  unsigned world, most = 0, i;

  d = open_disk (192 * MiB);
  put_many (0, 5000, 1);
  for (world = 1; world <= DICTIONARY_GENERATIONS + 3; ++world) {
    put_many (5000 + world * 3000, 8000 + world * 3000, world);
    for (i = 0; i < 100 && disk_stats (d).dictionary_trainings < world; ++i)
      step_now ();
    CHECK (i < 100);
    if (disk_stats (d).dictionaries > most)
      most = (unsigned) disk_stats (d).dictionaries;
  }
  CHECK (most > 4 && most <= DICTIONARY_GENERATIONS);
  check_pages (1);
  zram_close (d);
}

static void
test_changes (void)
{
  const char *other = zram_codec_info (id == 0 ? 1 : 0)->name;
  char message[ZRAM_MESSAGE_MAX];
  struct dictionary *first;

  d = open_disk (64 * MiB);
  put_many (0, 8000, 1);
  CHECK (step () && in_use ());
  first = in_use ();
  put_many (0, 2000, 1);
  /* Another level goes on with it, and then has its own. */
  set_algorithm (codec->info.name, 3);
  CHECK (in_use () == first);
  put_many (2000, 4000, 1);
  CHECK (step () && disk_stats (d).dictionary_trainings == 2);
  /* Another codec has none, and the first goes with its objects. */
  set_algorithm (other, 0);
  CHECK (!in_use () && says ("no dictionary") && !step ());
  put_many (0, 8000, 1);
  codings_tidy (&d->parts);
  CHECK (disk_stats (d).dictionaries == 0);
  CHECK (disk_stats (d).dictionary_bytes == 0);
  check_pages (3);
  /* And back: it is trained again. */
  set_algorithm (codec->info.name, 0);
  CHECK (!in_use () && step () && in_use ());
  put_many (0, 100, 1);
  check_pages (3);
  /* The last that needed it go just before it is wanted again. */
  set_algorithm (other, 0);
  put_many (0, 100, 1);
  set_algorithm (codec->info.name, 0);
  CHECK (in_use () && disk_stats (d).dictionaries == 1);
  put_many (0, 100, 1);
  check_pages (3);
  /* Nothing is left of it after a reset. */
  CHECK (zram_reset (d) == 0 && !in_use ());
  CHECK (disk_stats (d).dictionaries == 0 && !step ());
  memset (of_world, 0, sizeof of_world);
  put_many (0, 8000, 2);
  CHECK (step () && in_use ());
  check_pages (3);
  CHECK (zram_resize (d, 128 * MiB, message) == 0);
  zram_close (d);
}

/* While it works somebody else does all that can be done to a disk. */

static _Atomic bool over;

static void *
stepping (void *opaque)
{
  (void) opaque;
  while (!over)
    step_now ();
  return NULL;
}

static void *
writing (void *opaque)
{
  uint64_t rng = (uint64_t) (uintptr_t) opaque;
  unsigned char page[PAGE], back[PAGE];

  while (!over) {
    uint64_t n = 8000 + (uint64_t) (uintptr_t) opaque * 2000 +
      rng_below (&rng, 2000);

    world_page (page, PAGE, 1 + rng_below (&rng, 3), rng);
    CHECK (zram_pwrite (d, page, PAGE, n * PAGE) == 0);
    CHECK (zram_pread (d, back, PAGE, n * PAGE) == 0);
    (void) back;                /* a reset may have come between */
  }
  return NULL;
}

static void
test_meanwhile (void)
{
  const char *other = zram_codec_info (id == 0 ? 1 : 0)->name;
  pthread_t stepper, writer[2];
  char message[ZRAM_MESSAGE_MAX];
  uintptr_t i;

  d = open_disk (64 * MiB);
  put_many (0, 5000, 1);
  over = false;
  CHECK (pthread_create (&stepper, NULL, stepping, NULL) == 0);
  for (i = 0; i < 2; ++i)
    CHECK (pthread_create (&writer[i], NULL, writing, (void *) i) == 0);
  for (i = 0; i < 24; ++i) {
    set_algorithm (i % 4 == 3 ? other : codec->info.name,
                   i % 4 == 3 ? 0 : 1 + (int) i % 2);
    put_many (0, 500, 1 + i % 3);
    if (i % 8 == 5)
      CHECK (zram_resize (d, (i % 16 == 5 ? 80 : 64) * MiB, message) == 0);
    check_pages_below (8000, 97);       /* and recounts */
    if (i % 10 == 7) {
      CHECK (zram_reset (d) == 0);
      memset (of_world, 0, sizeof of_world);
      put_many (0, 5000, 1);
    }
  }
  over = true;
  pthread_join (stepper, NULL);
  for (i = 0; i < 2; ++i)
    pthread_join (writer[i], NULL);
  disk_recount (d);
  zram_close (d);
}

/* Its own thread: it begins by itself, and its end is not waited for. */
static void
test_thread (void)
{
  struct timespec t = { 0, 10000000 };
  unsigned i;

  d = open_disk (64 * MiB);
  idle_relax (&d->dictionary_job.idle);
  CHECK (zram_keeper_start (d) == 0);
  put_many (0, 8000, 1);
  for (i = 0; i < 6000 && disk_stats (d).dictionaries == 0; ++i)
    nanosleep (&t, NULL);
  CHECK (disk_stats (d).dictionaries == 1);
  zram_keeper_stop (d);
  CHECK (zram_keeper_start (d) == 0);
  check_pages (11);
  zram_close (d);
}

/* At the limit. */
static void
test_limit (void)
{
  struct zram_stats st;

  d = open_disk (64 * MiB);
  put_many (0, 8000, 1);
  st = disk_stats (d);
  /* No room: nothing happens, and writes go on. */
  zram_set_mem_limit (d, st.mem_used_total + MiB);
  CHECK (step () && says ("mem-limit") && !in_use ());
  CHECK (disk_stats (d).mem_used_max < st.mem_used_total + MiB);
  CHECK (disk_stats (d).dictionary_trainings == 0 && !step ());
  check_pages (7);
  /* Some: it trains with less, and leaves as much for others. */
  zram_set_mem_limit (d, st.mem_used_total + 7 * MiB);
  step_now ();
  CHECK (in_use () && disk_stats (d).dictionary_trainings == 1);
  CHECK (disk_stats (d).mem_used_max < st.mem_used_total + 7 * MiB / 2);
  /* What it holds for long is charged. */
  CHECK (disk_stats (d).mem_used_total - st.mem_used_total >=
         disk_stats (d).dictionary_bytes);
  put_many (0, 8000, 1);
  check_pages (7);
  zram_close (d);
}

/* Off: with swap, and if it is said. */
static void
test_off (void)
{
  struct zram_params p = { .size = 64 * MiB, .algo = codec->info.name };
  unsigned i;

  for (i = 0; i < 2; ++i) {
    p.swap = i;
    p.dictionary = i ? ZRAM_DICTIONARY_AUTO : ZRAM_DICTIONARY_OFF;
    memset (of_world, 0, sizeof of_world);
    d = disk_open (&p);
    put_many (0, 8000, 1);
    step_now ();
    CHECK (says ("off") && disk_stats (d).dictionary_trainings == 0);
    zram_close (d);
  }
}

/* Another disk of the process is for swapping, and keeps the heap.  The last
 * of the tests: there is no way back.
 */
static void
test_kept_heap (void)
{
  os_keep_heap ();
  d = open_disk (64 * MiB);
  put_many (0, 8000, 1);
  CHECK (step () && says ("swap=true"));
  CHECK (disk_stats (d).dictionary_trainings == 0 && !in_use ());
  check_pages (7);
  zram_close (d);
}

/* For others: a dictionary of chosen pages, at a level of its own. */

static bool
even_slots (const struct shard *s, uint64_t slot)
{
  (void) s;
  return slot % 2 == 0;
}

static bool
no_slots (const struct shard *s, uint64_t slot)
{
  (void) s;
  (void) slot;
  return false;
}

static void
test_cold (void)
{
  struct coding_kind kind = { .id = id, .level = 15, .priority = 1 };
  struct dictionary *cold;
  struct encoder e;
  struct idle idle;

  d = open_disk (64 * MiB);
  idle_init (&idle);
  idle_hurry (&idle);
  CHECK (dictionary_train (&d->parts, &idle, &kind, NULL, 1, &cold) ==
         -ENODATA && !cold);
  put_many (0, 8000, 1);
  CHECK (dictionary_train (&d->parts, &idle, &kind, no_slots, 1, &cold) ==
         -ENODATA && !cold);
  disk_recount (d);
  CHECK (dictionary_train (&d->parts, &idle, &kind, even_slots, 1, &cold) ==
         0 && cold);
  kind.dictionary = cold;
  CHECK (encoder_open (&d->parts, &kind, &e) == 0);
  CHECK (disk_stats (d).dictionaries == 1);
  disk_recount (d);
  encoder_close (&d->parts, &e);
  CHECK (disk_stats (d).dictionaries == 0 && cold->users == 1);
  dictionary_drop (cold);
  disk_recount (d);
  idle_destroy (&idle);
  zram_close (d);
}

int
main (void)
{
  if (!find_codec ())
    return 77;
  test_begins ();
  test_no_gain ();
  test_shift ();
  test_generations ();
  test_changes ();
  test_meanwhile ();
  test_thread ();
  test_limit ();
  test_off ();
  test_cold ();
  test_kept_heap ();
  return 0;
}
