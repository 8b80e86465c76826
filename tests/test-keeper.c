/* nbdkit-zram: the keeper: memory goes back without being asked for.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define PAGES 3000u

static struct zram_disk *d;
static struct shard *s;

static void
start (void)
{
  struct zram_params p = { .size = 64 * MiB,
    .algo = zram_codec_info (0)->name };

  d = disk_open (&p);
  s = &d->shards[0];
  CHECK (shard_count (d) == 1);
}

static void
fill (void)
{
  unsigned char buf[PAGE];
  uint64_t i;

  for (i = 0; i < PAGES; ++i) {
    page_make (buf, PAGE, 1500, i);
    CHECK (zram_pwrite (d, buf, PAGE, i * PAGE) == 0);
  }
}

/* Each tenth page is left. */
static void
verify (void)
{
  unsigned char want[PAGE], got[PAGE];
  uint64_t i;

  for (i = 0; i < PAGES; ++i) {
    CHECK (zram_pread (d, got, PAGE, i * PAGE) == 0);
    page_make (want, PAGE, 1500, i);
    CHECK (i % 10 ? is_zero (got, PAGE) : memcmp (got, want, PAGE) == 0);
  }
  disk_recount (d);
}

/* Nothing is kept hot, and there is little more than a segment of room. */
static bool
is_tidy (void)
{
  unsigned hot;

  shard_lock (s);
  hot = s->store.arena.segments.nhot + s->store.raw.nhot +
    (s->store.arena.spare != NIL);
  shard_unlock (s);
  return hot == 0 && disk_stats (d).mem_free < 3 * 16384;
}

static void
wait_until_tidy (void)
{
  unsigned tick;

  for (tick = 0; !is_tidy (); ++tick) {
    if (tick == 100)
      fail ("idle for 10 s, and %" PRIu64 " bytes of segments for %" PRIu64
            " bytes of objects", disk_stats (d).mem_segments,
            disk_stats (d).compr_data_size);
    usleep (100000);
  }
}

/* It can be stopped, without having been started, and started again. */
static void
test_restart (void)
{
  unsigned round;
  uint64_t i;

  start ();
  zram_keeper_stop (d);
  for (round = 0; round < 2; ++round) {
    CHECK (zram_keeper_start (d) == 0);
    fill ();
    for (i = 0; i < PAGES; ++i)
      if (i % 10)
        CHECK (zram_trim (d, PAGE, i * PAGE) == 0);
    CHECK (!is_tidy ());
    wait_until_tidy ();
    zram_keeper_stop (d);
    zram_keeper_stop (d);
    verify ();
  }
  CHECK (zram_keeper_start (d) == 0);
  zram_close (d);               /* stops it */
}

/* Much to compact at once, as nothing but many trims together could leave
 * it; and as soon as the keeper is at it, a write, which it gives way to.
 */
static void
test_gives_way (void)
{
  unsigned char byte = 1;
  struct stored page;
  uint64_t i;

  start ();
  fill ();
  CHECK (zram_keeper_start (d) == 0);
  shard_lock (s);
  for (i = 0; i < PAGES; ++i)
    if (i % 10) {
      CHECK (store_find (&s->store, table_get (&s->table, i), i,
                         &page) == 0);
      store_free (&s->store, &page);
      table_set (&s->table, i, ENTRY_HOLE);
      counter_sub (&s->n.stored, 1);
    }
  counter_add (&s->changes, 1);
  shard_unlock (s);
  disk_recount (d);
  CHECK (disk_stats (d).mem_free > 2 * MiB);
  while (disk_stats (d).objects_moved == 0)
    usleep (10);
  CHECK (zram_pwrite (d, &byte, 1, 15000 * PAGE) == 0);
  disk_recount (d);
  wait_until_tidy ();
  CHECK (disk_stats (d).pages_compacted > 100);
  CHECK (disk_stats (d).mem_segments < PAGES / 10 * 1600 + 3 * 16384);
  zram_keeper_stop (d);
  verify ();
  zram_close (d);
}

/* A request to compact is tried, though compaction gave up just before and
 * would otherwise not try again for a while.
 */
static void
test_request (void)
{
  struct zram_stats st;
  uint64_t i, emptied;

  start ();
  fill ();
  s->store.arena.stalled_steps = UINT32_MAX;
  s->store.arena.stalled_room = UINT64_MAX / 2;
  for (i = 0; i < PAGES; ++i)
    if (i % 10)
      CHECK (zram_trim (d, PAGE, i * PAGE) == 0);
  emptied = disk_stats (d).pages_compacted;
  CHECK (zram_compact (d) == 0);
  st = disk_stats (d);
  CHECK (st.pages_compacted > emptied + 50);
  CHECK (is_tidy ());
  verify ();
  zram_close (d);
}

int
main (void)
{
  test_request ();
  test_restart ();
  test_gives_way ();
  return 0;
}
