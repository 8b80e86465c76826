/* nbdkit-zram: recompression beside others.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Nothing waits for a run; what is written to a page that it has stays; runs
 * wait for one another, or make way; late pages are left alone.
 */

#include <config.h>

#include <pthread.h>
#include <stdatomic.h>

#include "recompresslib.h"

static struct codec codec, *in_use;

/* While a run is in the compressor, which takes as long as it likes here,
 * nothing waits for it; and what is written to its page stays.
 */
static atomic_bool inside, may_go;

static int
stuck (const void *params, void *compressor, const void *src, size_t src_len,
       void *dst, size_t dst_len)
{
  inside = true;
  while (!may_go)
    sched_yield ();
  return codec.compress (params, compressor, src, src_len, dst, dst_len);
}

static void *
run_alone (void *opaque)
{
  CHECK (recompress_run (&d->recompressor, opaque) == 0);
  return NULL;
}

static void
test_nobody_waits (void)
{
  struct recompress_job j = job ();
  char message[ZRAM_MESSAGE_MAX];
  unsigned char bytes[3] = { 1, 2, 3 }, back[3];
  struct zram_stats st;
  pthread_t thread;

  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  put (0, 2000);
  put (1, 1000);
  in_use = (struct codec *) (uintptr_t) codec_get (kind.id);
  codec = *in_use;
  in_use->compress = stuck;
  j.max_pages = 1;
  CHECK (pthread_create (&thread, NULL, run_alone, &j) == 0);
  while (!inside)
    sched_yield ();
  st = disk_stats (d);
  CHECK (st.recompress_found == 2 && st.recompress_handled == 0);
  expect (0, 2000);
  CHECK (zram_pwrite (d, bytes, sizeof bytes, 100) == 0);
  CHECK (zram_compact (d) == 0 && zram_mark_idle (d, 0) == 0);
  CHECK (zram_resize (d, 2 * PAGES * PAGE, message) == 0);
  CHECK (zram_resize (d, PAGES * PAGE, message) == 0);
  CHECK (zram_set_algorithm (d, "lz4", true, 2, message) == 0);
  CHECK (zram_set_algorithm (d, "lz4", false, 0, message) == 0);
  CHECK (pages_done () == 0);
  disk_recount (d);
  may_go = true;
  CHECK (pthread_join (thread, NULL) == 0);
  in_use->compress = codec.compress;
  /* The page that was overtaken does not count: the other was the first. */
  CHECK (j.tried == 1 && j.done == 1 && pages_done () == 1);
  CHECK (zram_pread (d, back, sizeof back, 100) == 0);
  CHECK (memcmp (back, bytes, sizeof bytes) == 0);
  expect (1, 1000);
  disk_recount (d);
}

/* One run makes way for the next. */
static _Atomic bool goes_on;

static bool
forever (void *opaque)
{
  (void) opaque;
  goes_on = true;
  sched_yield ();
  return true;
}

/* A page that never shrinks is wanted again and again. */
static void *
run_and_yield (void *opaque)
{
  struct recompress_job j = job ();

  (void) opaque;
  j.proceed = forever;
  j.yields = true;
  do {
    fill ();
    CHECK (recompress_run (&d->recompressor, &j) == 0);
  } while (!j.ended);
  return NULL;
}

static void
test_yield (void)
{
  struct recompress_job j = job ();
  pthread_t thread;

  goes_on = false;
  CHECK (pthread_create (&thread, NULL, run_and_yield, NULL) == 0);
  while (!goes_on)
    sched_yield ();
  do
    CHECK (recompress_run (&d->recompressor, &j) == 0);
  while (pthread_tryjoin_np (thread, NULL) != 0);
  CHECK (!j.ended);
  disk_recount (d);
}

/* Late pages are compressed before a run on request; those that are written
 * while one goes on are left alone.
 */
static bool
write_late (void *opaque)
{
  (void) opaque;
  put (0, 2000);
  return true;
}

static void
test_late (void)
{
  struct zram_params p = {
    .size = PAGES * PAGE, .algo = "lz4", .late = PAGES * PAGE,
  };
  struct zram_recompress run = { .priority = 1, .max_pages = UINT64_MAX };
  struct recompress_job j = job ();
  char message[ZRAM_MESSAGE_MAX];
  unsigned i;

  d = disk_open (&p);
  for (i = 0; i < 100; ++i)
    put (i, size_of (i));
  CHECK (disk_stats (d).late_pages == 100);
  CHECK (recompress_run (&d->recompressor, &j) == 0 && j.tried == 0);
  CHECK (zram_set_recompression (d, 1, "zstd", true, 3, message) == 0);
  run.proceed = write_late;
  CHECK (zram_recompress (d, &run, message) == 0);
  CHECK (run.tried == 99 && run.done == 99 && pages_done () == 99);
  CHECK (disk_stats (d).late_pages == 1);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  struct zram_params p = { .size = PAGES * PAGE, .algo = "lz4" };

  if (!choose_kind ())
    return 77;
  d = disk_open (&p);
  test_nobody_waits ();
  test_yield ();
  zram_close (d);
  test_late ();
  return 0;
}
