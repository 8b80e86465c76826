/* nbdkit-zram: a shrink is refused just when data would be hidden by it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A few pages of data on a large disk, which is asked to shrink to sizes
 * on both sides of every kind of boundary: of pages, leaves, shards (some
 * are left with no slot at all) and root entries.  A model says whether
 * the shrink must succeed.  Then the disk grows again, and must hold what
 * the model holds and nothing else.  ZRAM_SEED=N replays.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGES 4u
#define BOUNDARIES 256u

static struct zram_disk *d;
static uint64_t rng, full;
static uint32_t page;
static uint64_t boundary[BOUNDARIES];
static unsigned boundaries;
static struct { uint64_t slot, seed; } data[PAGES];
static unsigned refused, shrunk;
static unsigned emptied;        /* times that a shard was left with none */

static void
add_boundary (uint64_t slots)
{
  if (slots && slots * page <= full && boundaries < BOUNDARIES)
    boundary[boundaries++] = slots * page;
}

/* In slots: each leaf of the first rounds over the shards, then the
 * boundaries of root entries.
 */
static void
find_boundaries (void)
{
  uint64_t n = shard_count (d), i, group = (uint64_t) ROOT_SLOTS * n;

  boundaries = 0;
  for (i = 0; i <= 2 * n + 1; ++i)
    add_boundary (i * NODE_ENTRIES);
  for (i = 1; i <= 2; ++i) {
    add_boundary (i * group);
    add_boundary (i * group + NODE_ENTRIES);
    add_boundary (i * group - NODE_ENTRIES);
  }
  for (i = 1; i < 10; ++i)
    add_boundary (full / page - (i - 1) * NODE_ENTRIES / 2);
}

/* At a boundary, a page or a sector beside it, or anywhere. */
static uint64_t
some_size (void)
{
  uint64_t size = boundary[rng_below (&rng, boundaries)];

  switch (rng_below (&rng, 8)) {
  case 0: size += page; break;
  case 1: size -= page; break;
  case 2: size += 512; break;
  case 3: size -= 512; break;
  case 4: size = rng_below (&rng, full / 512) * 512; break;
  }
  return size < 512 ? 512 : size > full ? full : size;
}

/* The end of the data, to the byte: pages are noise from end to end. */
static uint64_t
end_of_data (void)
{
  uint64_t end = 0;
  unsigned i;

  for (i = 0; i < PAGES; ++i)
    if (data[i].seed && (data[i].slot + 1) * page > end)
      end = (data[i].slot + 1) * page;
  return end;
}

static void
put (unsigned i, uint64_t slot)
{
  static unsigned char buf[ZRAM_PAGE_MAX];
  unsigned k;

  for (k = 0; k < PAGES; ++k)
    if (data[k].seed && data[k].slot == slot)
      return;
  data[i].slot = slot;
  data[i].seed = rng_next (&rng) | 1;
  page_make (buf, page, 64, data[i].seed);
  CHECK (zram_pwrite (d, buf, page, slot * page) == 0);
}

static void
drop (unsigned i)
{
  if (data[i].seed)
    CHECK (zram_trim (d, page, data[i].slot * page) == 0);
  data[i].seed = 0;
}

static int
see (void *opaque, const struct zram_slot *about)
{
  unsigned i, *n = opaque;

  for (i = 0; i < PAGES; ++i)
    if (data[i].seed && data[i].slot == about->slot)
      break;
  CHECK (i < PAGES);
  ++*n;
  return 0;
}

static void
verify (void)
{
  static unsigned char want[ZRAM_PAGE_MAX], got[ZRAM_PAGE_MAX];
  unsigned i, n = 0, seen = 0;

  for (i = 0; i < PAGES; ++i)
    if (data[i].seed) {
      n++;
      page_make (want, page, 64, data[i].seed);
      CHECK (zram_pread (d, got, page, data[i].slot * page) == 0);
      CHECK (memcmp (want, got, page) == 0);
    }
  CHECK (zram_each_slot (d, 0, see, &seen) == 0);
  CHECK (seen == n && disk_stats (d).pages_stored == n);
  disk_recount (d);
}

static void
resize (uint64_t size)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  uint64_t old = zram_size (d);
  bool must = size >= end_of_data ();
  int r = zram_resize (d, size, message);

  if (r != (must ? 0 : -EBUSY))
    fail ("page %" PRIu32 ", %u shards, data up to %" PRIu64
          ": resize to %" PRIu64 ": %d %s", page, shard_count (d),
          end_of_data (), size, r, message);
  CHECK (zram_size (d) == (must ? size : old));
  *(must ? &shrunk : &refused) += 1;
  emptied += must && size <=
    (uint64_t) (shard_count (d) - 1) * NODE_ENTRIES * page;
}

static void
play_round (void)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  uint64_t slot;
  unsigned i;

  for (i = 0; i < PAGES; ++i)
    if (rng_below (&rng, 2))
      drop (i);
  slot = some_size () / page;
  i = (unsigned) rng_below (&rng, PAGES);
  drop (i);
  if (rng_below (&rng, 4) && (slot + 1) * page <= full)
    put (i, slot);
  resize (some_size ());
  verify ();
  if (rng_below (&rng, 16) == 0) {      /* a shard may have no slot now */
    CHECK (zram_reset (d) == 0);
    memset (data, 0, sizeof data);
    verify ();
  }
  if (zram_resize (d, full, message) < 0)
    fail ("growing again: %s", message);
  verify ();
}

/* The two that hid data once. */
static void
test_known (void)
{
  char message[ZRAM_MESSAGE_MAX];

  put (0, (page == 4096 ? 256 * 1024 : 60 * MiB) / page);
  CHECK (zram_resize (d, data[0].slot * page, message) == -EBUSY);
  CHECK (strstr (message, "holds data beyond"));
  verify ();
  drop (0);
}

static void
test_page (uint32_t size_of_page, uint64_t size)
{
  struct zram_params p = {
    .size = size, .page_size = size_of_page, .track_access = true,
  };
  unsigned i, before = emptied;

  page = size_of_page;
  full = size;
  memset (data, 0, sizeof data);
  d = disk_open (&p);
  find_boundaries ();
  test_known ();
  for (i = 0; i < (SANITIZED ? 150 : 1000); ++i)
    play_round ();
  CHECK (emptied > before || shard_count (d) == 1);
  zram_close (d);
}

/* What lies beyond is zeroes, but allocated: in use. */
static void
test_zeroes (void)
{
  struct zram_params p = { .size = 1024 * MiB };
  char message[ZRAM_MESSAGE_MAX];

  d = disk_open (&p);
  CHECK (zram_zero (d, 1024 * MiB, 0) == 0);
  CHECK (zram_resize (d, 4096, message) == -EBUSY);
  CHECK (zram_trim (d, 1024 * MiB - 4096, 4096) == 0);
  CHECK (zram_resize (d, 4096, message) == 0);
  CHECK (disk_stats (d).zero_pages == 1);
  CHECK (zram_resize (d, 1024 * MiB, message) == 0);
  CHECK (disk_stats (d).pages_stored == 1);
  disk_recount (d);
  zram_close (d);
}

/* Everything that walks over the disk, beside resize both ways and reset:
 * for the sanitizers, and it must end.
 */
static atomic_bool stop;

static int
pass_extent (void *opaque, uint64_t offset, uint64_t length,
             enum zram_extent type)
{
  uint64_t *next = opaque;

  CHECK (offset == *next && length > 0 && type <= ZRAM_EXTENT_DATA);
  *next += length;
  return 0;
}

static int
pass_slot (void *opaque, const struct zram_slot *about)
{
  (void) about;
  ++*(unsigned *) opaque;
  return 0;
}

static void *
walk (void *arg)
{
  uint64_t r = (uintptr_t) arg, next, n;
  unsigned char buf[512];
  unsigned seen = 0;

  while (!stop) {
    n = zram_size (d);
    next = 0;
    if (zram_extents (d, n, 0, pass_extent, &next) == 0)
      CHECK (next == n);
    CHECK (zram_each_slot (d, 0, pass_slot, &seen) == 0);
    CHECK (zram_mark_idle (d, rng_below (&r, 2)) == 0);
    n = rng_below (&r, full - sizeof buf);
    zram_pread (d, buf, sizeof buf, n);
    memset (buf, 1 + (int) rng_below (&r, 250), sizeof buf);
    zram_pwrite (d, buf, sizeof buf, n);
  }
  return NULL;
}

static void
test_beside (void)
{
  struct zram_params p = { .size = 1024 * MiB, .track_access = true };
  char message[ZRAM_MESSAGE_MAX];
  pthread_t thread[2];
  uintptr_t i;

  full = p.size;
  d = disk_open (&p);
  for (i = 0; i < 2; ++i)
    CHECK (pthread_create (&thread[i], NULL, walk, (void *) (i + 1)) == 0);
  for (i = 0; i < (SANITIZED ? 40 : 200); ++i) {
    CHECK (zram_reset (d) == 0);
    zram_resize (d, 512 * (1 + rng_below (&rng, full / 512)), message);
    if (i % 4 == 0)
      CHECK (zram_reset (d) == 0);
    if (i % 8 == 0 && zram_resize (d, full << i / 8 % 4, message) < 0)
      fail ("grow: %s", message);
  }
  stop = true;
  for (i = 0; i < 2; ++i)
    CHECK (pthread_join (thread[i], NULL) == 0);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  uint32_t size;

  rng = env_number ("ZRAM_SEED", (uint64_t) time (NULL));
  printf ("ZRAM_SEED=%" PRIu64 "\n", rng);
  for (size = ZRAM_PAGE_MIN; size <= ZRAM_PAGE_MAX; size *= 2) {
    test_page (size, 1024 * MiB);
    test_page (size, 64 * MiB);         /* one shard */
  }
  test_zeroes ();
  test_beside ();
  printf ("%u shrunk, %u refused, %u left a shard empty\n", shrunk, refused,
          emptied);
  CHECK (refused > 100 && shrunk > 100);
  return 0;
}
