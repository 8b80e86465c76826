/* nbdkit-zram: ages of pages, a byte each.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Epochs are counted modulo 256.  However many pass, a page that was used
 * long ago never looks as if it had been used lately, and one that was used
 * lately never looks old; while nodes are moved, the disk is resized and
 * reset, with and without exact times beside.  What is kept of pages that
 * are gone goes too.
 */

#include <config.h>

#include <sys/mman.h>

#include "disk.h"
#include "disklib.h"
#include "os.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define HOLD_EVERY 50u          /* epochs */

static struct zram_disk *d;
static struct shard *s;         /* the only one */

static void
open_disk (uint64_t size, bool track_access)
{
  struct zram_params p = {
    .size = size < MiB ? size : MiB, .algo = zram_codec_info (0)->name,
    .track_access = track_access, .upkeep = zram_upkeep_usual (),
  };
  char message[ZRAM_MESSAGE_MAX];

  d = disk_open (&p);           /* small, so that there is one shard */
  CHECK (zram_resize (d, size, message) == 0);
  s = &d->shards[0];
  CHECK (shard_count (d) == 1);
  /* Also where upkeep has no codec to work with. */
  if (!(s->table.ages_kept & AGES_EPOCHS)) {
    zram_close (d);
    exit (77);
  }
}

static void
put (uint64_t slot)
{
  unsigned char page[PAGE];

  page_make (page, PAGE, 500, slot + 1);
  CHECK (zram_pwrite (d, page, PAGE, slot * PAGE) == 0);
}

static void
get (uint64_t slot)
{
  unsigned char page[PAGE];

  CHECK (zram_pread (d, page, PAGE, slot * PAGE) == 0);
}

static unsigned
age (uint64_t slot)
{
  return table_epochs_ago (&s->table, slot);
}

/* Walk over all leaves.  How many there were. */
static unsigned
hold (void)
{
  struct leaf leaf;
  uint64_t slot;
  unsigned n = 0;
  bool found;

  for (slot = 0; slot < s->table.nslots; n += found)
    slot = table_walk (&s->table, slot, &leaf, &found);
  return n;
}

/* Slot 5 is used once, 6 each seventh epoch, 7 written each ninth, and 700
 * is in another leaf.
 */
static void
test_wrap (bool track_access)
{
  unsigned n;

  open_disk (8 * MiB, track_access);
  put (5);
  put (6);
  put (7);
  put (700);
  for (n = 0; n < 2000; ++n) {
    if (n % 7 == 0)
      get (6);
    if (n % 9 == 0)
      put (7);
    CHECK (age (5) == n || (age (5) >= AGE_HELD && n >= AGE_HELD));
    CHECK (age (700) == age (5));
    CHECK (age (6) == n % 7);
    CHECK (age (7) == n % 9);
    CHECK (!track_access || *table_age (&s->table, 5) > 0);
    if (n % HOLD_EVERY == 0)
      CHECK (hold () == 2);
    s->table.epoch++;
  }
  disk_recount (d);
  zram_close (d);
}

/* A table of few slots has an end within a leaf, and within what a cell
 * above it speaks for.
 */
static void
test_ends (void)
{
  static const uint64_t slots[] = { 1, 63, 64, 65, 4095, 4096, 4097 };
  unsigned i;

  for (i = 0; i < sizeof slots / sizeof slots[0]; ++i) {
    open_disk (slots[i] * PAGE, false);
    CHECK (hold () == 0);
    CHECK (zram_zero (d, slots[i] * PAGE, 0) == 0);
    CHECK (hold () == 0);
    put (slots[i] - 1);
    CHECK (hold () == 1 && age (slots[i] - 1) == 0);
    zram_close (d);
  }
}

static void
count_up (unsigned epochs)
{
  s->table.epoch = (uint8_t) (s->table.epoch + epochs);
}

/* One page of each leaf is left, of every second the age differs: nodes move
 * together, and ages with them.
 */
#define LEAVES 1024u
static void
test_moved (bool track_access)
{
  uint32_t was[LEAVES];
  unsigned i, moved = 0;

  open_disk (LEAVES * NODE_ENTRIES * PAGE, track_access);
  for (i = 0; i < LEAVES; ++i)
    put (i * NODE_ENTRIES + i % NODE_ENTRIES);
  count_up (9);
  for (i = 0; i < LEAVES; ++i)
    was[i] = table_leaf (&s->table, i * NODE_ENTRIES);
  for (i = 0; i < LEAVES; ++i)
    if (i % 20)
      CHECK (zram_trim (d, NODE_ENTRIES * PAGE,
                        (uint64_t) i * NODE_ENTRIES * PAGE) == 0);
  count_up (3);
  for (i = 0; i < LEAVES; i += 40)
    get (i * NODE_ENTRIES + i % NODE_ENTRIES);
  count_up (1);
  CHECK (zram_compact (d) == 0);
  for (i = 20; i < LEAVES; i += 20)
    moved += table_leaf (&s->table, i * NODE_ENTRIES) != was[i];
  CHECK (moved > 10);
  for (i = 0; i < LEAVES; i += 20)
    CHECK (age (i * NODE_ENTRIES + i % NODE_ENTRIES) == (i % 40 ? 13 : 1));
  disk_recount (d);
  zram_close (d);
}

/* Larger, and the arrays have moved; then empty, and everything is new. */
static void
test_resize_and_reset (void)
{
  char message[ZRAM_MESSAGE_MAX];

  open_disk (MiB, false);
  put (200);
  count_up (100);
  CHECK (zram_resize (d, 512 * MiB, message) == 0);
  CHECK (age (200) == 100);
  put (100000);
  count_up (50);
  CHECK (age (200) == 150 && age (100000) == 50);
  CHECK (zram_reset (d) == 0);
  CHECK (hold () == 0);
  put (200);
  CHECK (age (200) == 0);
  disk_recount (d);
  zram_close (d);
}

/* Whole pages of memory of the array of ages, which may begin anywhere. */
static unsigned
resident (void)
{
  static unsigned char core[4096];
  uintptr_t begin = (uintptr_t) s->table.beside;
  uintptr_t from = (begin + OS_PAGE - 1) / OS_PAGE * OS_PAGE;
  size_t bytes = begin + s->table.nbeside * table_beside (&s->table) - from, i;
  unsigned n = 0;

  bytes = bytes / OS_PAGE * OS_PAGE;
  CHECK (bytes / OS_PAGE <= sizeof core);
  CHECK (mincore ((void *) from, bytes, core) == 0);
  for (i = 0; i < bytes / OS_PAGE; ++i)
    n += core[i] & 1;
  return n;
}

/* Blocks of nodes share pages of ages: the last one takes it away. */
static void
test_memory_goes (bool track_access)
{
  uint64_t slot, size = 2048 * MiB;
  unsigned full;

  open_disk (size, track_access);
  for (slot = 0; slot < size / PAGE; slot += NODE_ENTRIES)
    put (slot);
  full = resident ();
  CHECK (full >= size / PAGE / OS_PAGE);
  CHECK (zram_trim (d, size, 0) == 0);
  CHECK (zram_compact (d) == 0);
  /* The sanitizers keep more on the heap, where it stays. */
  CHECK (SANITIZED || resident () <= 2);
  put (0);
  CHECK (age (0) == 0);
  disk_recount (d);
  zram_close (d);
}

int
main (void)
{
  test_wrap (false);
  test_wrap (true);
  test_ends ();
  test_moved (false);
  test_moved (true);
  test_resize_and_reset ();
  test_memory_goes (false);
  test_memory_goes (true);
  return 0;
}
