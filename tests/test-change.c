/* nbdkit-zram: what can change while a disk is in use: codec, size, marks.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk grows and shrinks at random, to sizes at and around the
 * boundaries of pages, leaves, root entries and shards, between random
 * writes, and is compared with an array; a second part does the same
 * while other threads write.  ZRAM_SEED=N replays.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "disk.h"
#include "disklib.h"
#include "os.h"
#include "testlib.h"

#define MIB (UINT64_C (1) << 20)
#define LARGEST (200 * MIB)

static uint64_t rng;
static unsigned char *model;

static struct zram_disk *
make (uint64_t size, const char *algo, bool track_access)
{
  struct zram_params p = {
    .size = size, .algo = algo, .track_access = track_access,
  };
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_disk *d;

  if (zram_open (&p, &d, message) < 0)
    fail ("open: %s", message);
  return d;
}

static void
recount (struct zram_disk *d)
{
  char message[ZRAM_MESSAGE_MAX] = "";

  if (zram_recount (d, message) < 0)
    fail ("recount: %s", message);
}

static void
compare (struct zram_disk *d)
{
  static unsigned char buf[MIB];
  uint64_t i, n;

  for (i = 0; i < zram_size (d); i += n) {
    n = zram_size (d) - i < MIB ? zram_size (d) - i : MIB;
    CHECK (zram_pread (d, buf, n, i) == 0);
    CHECK (memcmp (buf, model + i, n) == 0);
  }
  recount (d);
}

static uint64_t
pick_size (void)
{
  static const uint64_t units[] = {
    512, 4096, 4096 * 64, 4096 * 64 * 2, MIB * 16, MIB * 32, MIB * 64,
  };
  uint64_t unit = units[rng_below (&rng, 7)];
  uint64_t n = unit * rng_below (&rng, LARGEST / unit) +
    512 * rng_below (&rng, 5);

  return n < 512 ? 512 : n > LARGEST ? LARGEST : n;
}

static void
write_some (struct zram_disk *d)
{
  static unsigned char buf[65536];
  uint64_t size = zram_size (d), n = 1 + rng_below (&rng, sizeof buf);
  uint64_t offset = rng_below (&rng, 2) ? rng_below (&rng, size)
    : size - 1 - rng_below (&rng, size < 100000 ? size : 100000);

  if (n > size - offset)
    n = size - offset;
  switch (rng_below (&rng, 4)) {
  case 0:
    n = rng_below (&rng, 8) ? n : size - offset;
    CHECK (zram_zero (d, n, offset) == 0);
    memset (model + offset, 0, n);
    break;
  case 1:
    n = rng_below (&rng, 8) ? n : size - offset;
    CHECK (zram_trim (d, n, offset) == 0);
    memset (model + offset, 0, n);
    break;
  default:
    fill_buffer (&rng, buf, n);
    CHECK (zram_pwrite (d, buf, n, offset) == 0);
    memcpy (model + offset, buf, n);
  }
}

/* A shrink is refused just when the engine says so, and then nothing has
 * changed; after trimming the tail it is not.
 */
static void
change_size (struct zram_disk *d, unsigned *refused)
{
  uint64_t old = zram_size (d), size = pick_size ();
  char message[ZRAM_MESSAGE_MAX] = "";
  int r = zram_resize (d, size, message);

  if (r == -EBUSY && size < old) {
    ++*refused;
    CHECK (zram_size (d) == old && strstr (message, "holds data"));
    compare (d);
    CHECK (zram_trim (d, old - size, size) == 0);
    memset (model + size, 0, old - size);
    r = zram_resize (d, size, message);
    if (r == -EBUSY) {          /* allocated zeroes in the last page */
      CHECK (zram_trim (d, old - size / 4096 * 4096,
                        size / 4096 * 4096) == 0);
      memset (model + size / 4096 * 4096, 0, old - size / 4096 * 4096);
      r = zram_resize (d, size, message);
    }
  }
  if (r < 0)
    fail ("resize %" PRIu64 " to %" PRIu64 ": %s", old, size, message);
  CHECK (zram_size (d) == size);
  CHECK (zram_pread (d, &(char) { 0 }, 1, size) == -EINVAL);
}

static void
test_sizes (void)
{
  struct zram_disk *d = make (128 * MIB, NULL, false);
  unsigned i, k, refused = 0;

  for (i = 0; i < 120; ++i) {
    for (k = 0; k < 20; ++k)
      write_some (d);
    change_size (d, &refused);
    if (i % 4 == 0)
      compare (d);
    else
      recount (d);
  }
  compare (d);
  CHECK (refused > 0 && refused < 120);
  zram_close (d);
  memset (model, 0, LARGEST);
}

/* Objects are read with the codec that wrote them. */
static void
test_codecs (void)
{
  struct zram_disk *d = make (16 * MIB, "zstd", false);
  const struct zram_codec_info *info;
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_stats st;
  unsigned i, n, k, used = 0;
  uint64_t pages = 0;

  for (n = 0; zram_codec_info (n); ++n)
    ;
  for (i = 0; i < 60; ++i) {
    info = zram_codec_info (i % n);
    if (zram_set_algorithm (d, info->alias && i % 2 ? info->alias
                            : info->name, false, 0, message) < 0)
      fail ("set_algorithm: %s", message);
    CHECK (strcmp (zram_algorithm (d), info->name) == 0);
    for (k = 0; k < 40; ++k)
      write_some (d);
    compare (d);
  }
  for (i = 0; i < n; ++i) {     /* one of each that nothing clears */
    CHECK (zram_set_algorithm (d, zram_codec_info (i)->name, false, 0,
                               message) == 0);
    for (k = 0; k < 4096; ++k)
      model[i * 4096 + k] = (unsigned char) ("codecs"[k % 6] + k / 256);
    CHECK (zram_pwrite (d, model + i * 4096, 4096, i * 4096) == 0);
  }
  compare (d);
  zram_stats (d, &st);
  for (i = 0; i < ZRAM_CODECS_MAX; ++i) {
    used += st.codec[i].pages > 0;
    pages += st.codec[i].pages;
  }
  CHECK (used == n);
  CHECK (pages + st.huge_pages + st.same_pages == st.pages_stored);

  CHECK (zram_set_algorithm (d, "snappy", false, 0, message) == -EINVAL);
  CHECK (strstr (message, "snappy") && strstr (message, "zstd"));
  CHECK (zram_set_algorithm (d, "zstd", true, 99, message) == -EINVAL);
  CHECK (strstr (message, "99"));
  compare (d);
  zram_close (d);
  memset (model, 0, LARGEST);
}

struct tally {
  unsigned slots, idle, same, huge;
  uint64_t last;
};

static int
count_slot (void *opaque, const struct zram_slot *slot)
{
  struct tally *t = opaque;

  CHECK (t->slots == 0 || slot->slot > t->last);
  t->last = slot->slot;
  t->slots++;
  t->idle += (slot->flags & ZRAM_SLOT_IDLE) != 0;
  t->same += (slot->flags & ZRAM_SLOT_SAME) != 0;
  t->huge += (slot->flags & ZRAM_SLOT_HUGE) != 0;
  return 0;
}

static struct tally
count (struct zram_disk *d)
{
  struct tally t = { 0 };
  struct zram_stats st;

  CHECK (zram_each_slot (d, 0, count_slot, &t) == 0);
  zram_stats (d, &st);
  CHECK (t.slots == st.pages_stored && t.same == st.same_pages &&
         t.huge == st.huge_pages);
  recount (d);
  return t;
}

static void
test_idle (void)
{
  struct zram_disk *d = make (130 * MIB, NULL, true);
  unsigned char page[4096];
  struct tally t;
  unsigned i;

  for (i = 0; i < 300; ++i) {
    memset (page, 0, sizeof page);
    fill_buffer (&rng, page, i % 3 ? 100 : 0);
    page[0] = i % 3 != 0;
    page[1] = page[0] << 4;
    CHECK (zram_pwrite (d, page, sizeof page, i * 40960) == 0);
  }
  CHECK (count (d).idle == 0);
  CHECK (zram_mark_idle (d, 0) == 0);
  t = count (d);
  CHECK (t.slots == 300 && t.same == 100 && t.idle == 200);

  /* A read, a write, a trim and a merge each take a mark off. */
  CHECK (zram_pread (d, page, 1, 1 * 40960) == 0);
  CHECK (count (d).idle == 199);
  CHECK (zram_pwrite (d, page, 4096, 2 * 40960) == 0);
  CHECK (count (d).idle == 198);
  CHECK (zram_trim (d, 4096, 4 * 40960) == 0);
  CHECK (count (d).idle == 197);
  CHECK (zram_pwrite (d, page, 7, 5 * 40960 + 100) == 0);
  CHECK (count (d).idle == 196);

  /* Nothing is older than an hour; compaction is no access. */
  CHECK (zram_compact (d) == 0);
  CHECK (count (d).idle == 196);
  CHECK (zram_mark_idle (d, 3600) == 0);
  CHECK (count (d).idle == 0);
  CHECK (zram_mark_idle (d, 0) == 0);
  CHECK (zram_reset (d) == 0);
  CHECK (count (d).slots == 0);
  zram_close (d);

  d = make (MIB, NULL, false);
  CHECK (zram_mark_idle (d, 1) == -EINVAL);
  CHECK (zram_mark_idle (d, 0) == 0);
  zram_close (d);
}

/* Neither holes nor zeroes are looked at one by one: there are 2^32. */
static void
test_idle_zeroes (void)
{
  struct zram_disk *d = make (ZRAM_SIZE_MAX, NULL, false);
  uint64_t before;

  CHECK (zram_pwrite (d, "x", 1, ZRAM_SIZE_MAX / 2) == 0);
  CHECK (zram_zero (d, ZRAM_SIZE_MAX / 2, 0) == 0);
  CHECK (zram_zero (d, ZRAM_SIZE_MAX / 2 - 4096, ZRAM_SIZE_MAX / 2 + 4096)
         == 0);
  before = cpu_ms ();
  CHECK (zram_mark_idle (d, 0) == 0);
  printf ("16T of zeroes marked in %" PRIu64 " ms\n", cpu_ms () - before);
  CHECK (cpu_ms () - before < (SANITIZED ? 20000 : 5000));
  recount (d);
  zram_close (d);
}

/* Writers on the part of the disk that is always there, while everything
 * that can change does.
 */
static atomic_bool stop;

struct writer {
  struct zram_disk *d;
  uint64_t rng;
  unsigned id;
};

static void *
write_on (void *arg)
{
  struct writer *w = arg;
  unsigned char buf[20000], back[20000];
  uint64_t offset, n;

  while (!stop) {
    n = 1 + rng_below (&w->rng, sizeof buf);
    offset = w->id * 4 * MIB + rng_below (&w->rng, 4 * MIB - n);
    fill_buffer (&w->rng, buf, n);
    CHECK (zram_pwrite (w->d, buf, n, offset) == 0);
    CHECK (zram_pread (w->d, back, n, offset) == 0);
    CHECK (memcmp (buf, back, n) == 0);
    /* beyond: anything but a wrong answer or a crash */
    offset = 64 * MIB + rng_below (&w->rng, 136 * MIB);
    if (zram_pwrite (w->d, buf, 4096, offset) == 0)
      zram_trim (w->d, 8192, offset);
  }
  return NULL;
}

static void
test_threads (void)
{
  struct zram_disk *d = make (LARGEST, NULL, true);
  char message[ZRAM_MESSAGE_MAX];
  struct writer w[2];
  pthread_t thread[2];
  struct tally t;
  unsigned i, n;

  for (n = 0; zram_codec_info (n); ++n)
    ;
  CHECK (zram_keeper_start (d) == 0);
  for (i = 0; i < 2; ++i) {
    w[i] = (struct writer) { d, rng + i, i };
    CHECK (pthread_create (&thread[i], NULL, write_on, &w[i]) == 0);
  }
  for (i = 0; i < 60; ++i) {
    CHECK (zram_set_algorithm (d, zram_codec_info (i % n)->name, false, 0,
                               message) == 0);
    zram_resize (d, 64 * MIB + rng_below (&rng, 136 * MIB), message);
    CHECK (zram_mark_idle (d, i % 3) == 0);
    t = (struct tally) { 0 };
    CHECK (zram_each_slot (d, 0, count_slot, &t) == 0);
    recount (d);
  }
  stop = true;
  for (i = 0; i < 2; ++i)
    CHECK (pthread_join (thread[i], NULL) == 0);
  recount (d);
  zram_close (d);
}

/* A trim up to an end within a page clears nothing beyond that end, though
 * the disk grows meanwhile and another writes there.
 */
static void *
trim_all (void *d)
{
  CHECK (zram_trim (d, 128 * MIB + 512, 0) == 0);
  return NULL;
}

static void
test_ragged_trim (void)
{
  struct zram_disk *d = make (128 * MIB + 512, NULL, false);
  unsigned char page[4096], back[512];
  char message[ZRAM_MESSAGE_MAX];
  struct zram_stats st;
  pthread_t thread;
  uint64_t i;

  for (i = 0; i < sizeof page; ++i)
    page[i] = (unsigned char) ("ragged"[i % 6] + i / 512);
  for (i = 0; i < 128 * MIB; i += sizeof page)
    CHECK (zram_pwrite (d, page, sizeof page, i) == 0);
  CHECK (zram_pwrite (d, page, 512, 128 * MIB) == 0);
  CHECK (pthread_create (&thread, NULL, trim_all, d) == 0);
  do
    zram_stats (d, &st);
  while (st.notify_free == 0);
  CHECK (zram_resize (d, 129 * MIB, message) == 0);
  CHECK (zram_pwrite (d, page, 512, 128 * MIB + 512) == 0);
  CHECK (pthread_join (thread, NULL) == 0);
  CHECK (zram_pread (d, back, 512, 128 * MIB + 512) == 0);
  CHECK (memcmp (back, page, 512) == 0);
  CHECK (zram_pread (d, back, 512, 128 * MIB) == 0);
  CHECK (is_zero (back, 512));
  recount (d);
  zram_close (d);
}

int
main (void)
{
  rng = env_number ("ZRAM_SEED", (uint64_t) time (NULL));
  printf ("ZRAM_SEED=%" PRIu64 "\n", rng);
  model = os_map (LARGEST);
  CHECK (model != NULL);
  test_sizes ();
  test_codecs ();
  test_idle ();
  test_idle_zeroes ();
  test_threads ();
  test_ragged_trim ();
  os_unmap (model, LARGEST);
  return 0;
}
