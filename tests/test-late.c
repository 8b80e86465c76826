/* nbdkit-zram: pages that are stored raw now and compressed later.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * All is done by hand, in an order that is always the same; the workers are
 * in test-late-limit.
 */

#include <config.h>

#include <errno.h>

#include "latelib.h"
#include "page-code.h"

/* Overwritten while late: never compressed; what users see meanwhile. */
static void
test_hits (void)
{
  struct zram_stats st;
  unsigned i;

  start ();
  for (i = 0; i < 10; ++i)
    put (3, i);
  CHECK (holds (3, 9) && compressed == 0);
  st = disk_stats (d);
  CHECK (st.late_pages == 1 && st.late_hits == 9 && st.late_saved == 9);
  CHECK (st.pages_stored == 1 && st.compr_data_size == PAGE);
  CHECK (st.huge_pages == 0 && st.huge_pages_since == 0);
  CHECK (zram_trim (d, PAGE, 3 * PAGE) == 0);
  st = disk_stats (d);
  CHECK (st.late_pages == 0 && st.late_hits == 9 && st.late_saved == 10);
  put (4, 1);
  CHECK (zram_compact (d) == 0);
  CHECK (compressed == 1 && holds (4, 1) && !is_late (4));
  st = disk_stats (d);
  CHECK (st.late_pages == 0 && st.late_saved == 10 && st.huge_pages == 0);
  CHECK (st.compr_data_size < 1500 && st.mem_raw == 0);
  stop ();
}

/* Pages of one word are as quick to store as they are: they are not late.
 * Noise is huge when that is known, not before.
 */
static int
see_flags (void *opaque, const struct zram_slot *slot)
{
  unsigned *flags = opaque;

  *flags |= slot->flags;
  return 0;
}

static void
test_kinds (void)
{
  unsigned char buf[PAGE];
  unsigned flags = 0;

  start ();
  page_same (buf, PAGE, 42);
  CHECK (zram_pwrite (d, buf, PAGE, 0) == 0 && !is_late (0));
  memset (buf, 0, PAGE);
  CHECK (zram_pwrite (d, buf, PAGE, PAGE) == 0 && !is_late (1));
  page_make (buf, PAGE, PAGE, 1);
  CHECK (zram_pwrite (d, buf, PAGE, 2 * PAGE) == 0 && is_late (2));
  CHECK (zram_each_slot (d, 2, see_flags, &flags) == 0);
  CHECK (!(flags & ZRAM_SLOT_HUGE) && disk_stats (d).huge_pages == 0);
  CHECK (zram_compact (d) == 0 && !is_late (2));
  CHECK (zram_each_slot (d, 2, see_flags, &flags) == 0);
  CHECK (flags & ZRAM_SLOT_HUGE);
  CHECK (disk_stats (d).huge_pages == 1);
  CHECK (disk_stats (d).huge_pages_since == 1);
  stop ();
}

/* The one written longest ago is compressed first; a full buffer takes no
 * new ones, but those that are there again.
 */
static void
test_order (void)
{
  static char page[PAGE];
  struct claim claim;
  unsigned i;

  start ();
  for (i = 0; i < LATE + 4; ++i)
    put (i, i);
  CHECK (s->late.n == LATE && compressed == 4);
  CHECK (is_late (0) && !is_late (LATE));
  put (0, 100);
  CHECK (compressed == 4 && holds (0, 100));
  shard_lock (s);
  CHECK (shard_late_take (s, &claim, page) && claim.slot == 1);
  claim_drop (&s->claims, &claim);
  CHECK (shard_late_take (s, &claim, page) && claim.slot == 2);
  claim_drop (&s->claims, &claim);
  shard_unlock (s);
  for (i = 1; i < LATE + 4; ++i)
    CHECK (holds (i, i));
  stop ();
}

/* Where writes hit nothing it goes off, and comes back when they would. */
static void
test_switch (void)
{
  unsigned i;

  start ();
  for (i = 0; s->late.pays; ++i) {
    CHECK (i < 100 * LATE);
    put (i % 2000, i);
  }
  CHECK (i >= LATE);
  CHECK (zram_compact (d) == 0);
  compressed = 0;
  put (2001, 1);
  CHECK (s->late.n == 0 && compressed == 1);
  for (i = 0; !s->late.pays; ++i) {
    CHECK (i < 100 * LATE);
    put (i % 5, i);
  }
  put (2001, 2);
  CHECK (is_late (2001) && holds (2001, 2));
  stop ();
}

/* Where clients wait for each answer it is done all the same, unless all
 * processors have something to do.
 */
static void
test_serial (void)
{
  unsigned i;

  start_with ((struct zram_params) { .size = 8 * MiB, .late = LATE * PAGE,
                                     .serial = true });
  d->leave_one = 1;             /* as with two processors */
  for (i = 0; s->late.pays; ++i)
    put (i % 2000, i);
  CHECK (zram_compact (d) == 0);
  put (0, 1);
  CHECK (is_late (0));
  d->writing++;
  put (1, 1);
  CHECK (!is_late (1));
  d->writing--;
  CHECK (d->writing == 0);
  put (2, 1);                   /* that is remembered for a while */
  CHECK (!is_late (2));
  for (i = 100; i < 1100 && !is_late (i - 1); ++i)
    put (i, 1);
  CHECK (i > 200 && i < 1100);
  stop ();
}

/* Parts are put into the raw page. */
static void
test_parts (void)
{
  unsigned char want[PAGE], got[PAGE];
  unsigned i;

  start ();
  page_make (want, PAGE, 700, 1);
  CHECK (zram_pwrite (d, want, PAGE, PAGE) == 0);
  for (i = 0; i < 100; ++i) {
    want[i * 40] ^= 0x55;
    CHECK (zram_pwrite (d, want + i * 40, 3, PAGE + i * 40) == 0);
  }
  memset (want + 100, 0, 50);
  CHECK (zram_zero (d, 50, PAGE + 100) == 0);
  CHECK (compressed == 0 && is_late (1));
  CHECK (disk_stats (d).late_hits == 101);
  CHECK (zram_pread (d, got, PAGE, PAGE) == 0);
  CHECK (memcmp (want, got, PAGE) == 0);

  /* A part of a page that is not late, where there is no room. */
  for (i = 2; i < 2 + LATE; ++i)
    put (i, i);
  CHECK (zram_pwrite (d, "x", 1, 100 * PAGE) == 0);
  CHECK (!is_late (100) && compressed == 2);
  stop ();
}

/* What goes away is not late any more. */
static void
test_gone (void)
{
  char message[ZRAM_MESSAGE_MAX];
  unsigned i;

  start ();
  for (i = 0; i < 8; ++i)
    put (i, i);
  CHECK (zram_trim (d, 2 * PAGE, 0) == 0 && s->late.n == 6);
  CHECK (zram_zero (d, 2 * PAGE, 2 * PAGE) == 0 && s->late.n == 4);
  disk_recount (d);
  CHECK (zram_resize (d, 4 * PAGE, message) == -EBUSY);
  CHECK (s->late.n == 4 && holds (7, 7));
  CHECK (zram_trim (d, 8 * MiB - 4 * PAGE, 4 * PAGE) == 0);
  CHECK (zram_resize (d, 4 * PAGE, message) == 0 && s->late.n == 0);
  disk_recount (d);
  CHECK (zram_resize (d, 4 * MiB, message) == 0);
  put (900, 1);
  CHECK (is_late (900));
  CHECK (zram_reset (d) == 0 && s->late.n == 0);
  CHECK (disk_stats (d).late_saved == 0 && disk_stats (d).mem_raw == 0);
  disk_recount (d);
  put (5, 5);
  CHECK (zram_mark_idle (d, 0) == 0);
  CHECK (zram_compact (d) == 0 && table_is_marked (&s->table, 5, MARK_IDLE));
  CHECK (holds (5, 5));
  stop ();
}

/* Whatever happens to a page while it is compressed. */

static void
by_write (void)
{
  put (1, 99);
}

static void
by_trim (void)
{
  CHECK (zram_trim (d, PAGE, PAGE) == 0);
}

static void
by_zero (void)
{
  CHECK (zram_zero (d, PAGE, PAGE) == 0);
}

static void
by_part (void)
{
  CHECK (zram_pwrite (d, "x", 1, PAGE + 5) == 0);
}

static void
by_reset (void)
{
  CHECK (zram_reset (d) == 0);
}

static void
by_shrink (void)
{
  char message[ZRAM_MESSAGE_MAX];

  by_trim ();
  CHECK (zram_resize (d, PAGE, message) == 0);
}

static void
by_refused_shrink (void)
{
  char message[ZRAM_MESSAGE_MAX];

  shard_bound (s, 1);           /* as a shrink does, before it looks */
  shard_bound (s, 8 * MiB / PAGE);
  CHECK (zram_resize (d, PAGE, message) == -EBUSY);
}

static void
by_flush (void)
{
  /* Somebody else compresses it, though it is taken. */
  s->late.page[late_find (&s->late, 1)].taken = false;
  CHECK (zram_compact (d) == 0);
}

static void
by_nobody (void)
{
}

static void
test_broken (void)
{
  static const struct {
    void (*come_between) (void);
    bool late;                  /* afterwards */
  } cases[] = {
    { by_nobody, false }, { by_write, true }, { by_part, true },
    { by_trim, false }, { by_zero, false }, { by_reset, false },
    { by_shrink, false }, { by_refused_shrink, true }, { by_flush, false },
  };
  static char page[PAGE];
  unsigned char before[PAGE], after[PAGE];
  struct workspace *w;
  struct claim claim;
  struct content c;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    start ();
    put (1, 1);
    shard_lock (s);
    CHECK (shard_late_take (s, &claim, page));
    shard_unlock (s);
    cases[i].come_between ();
    memset (before, 0, PAGE);
    if (zram_size (d) > PAGE)
      CHECK (zram_pread (d, before, PAGE, PAGE) == 0);
    w = workspace_get (&d->workspaces);
    page_encode (&d->layout, &w->encoder, page, CONTENT_ZERO, &c);
    shard_lock (s);
    CHECK (shard_late_put (s, &claim, &c) == 0);
    CHECK (is_late (1) == cases[i].late && !s->claims.first);
    shard_unlock (s);
    workspace_put (w);
    memset (after, 0, PAGE);
    if (zram_size (d) > PAGE)
      CHECK (zram_pread (d, after, PAGE, PAGE) == 0);
    CHECK (memcmp (before, after, PAGE) == 0);
    CHECK (zram_compact (d) == 0 && s->late.n == 0);
    stop ();
  }
}

/* While a shrink looks whether it may be done nobody reaches the page; it is
 * late as before when that was refused.
 */
static void
test_bound (void)
{
  static char page[PAGE];
  struct claim claim;

  start ();
  put (5, 5);
  shard_bound (s, 3);
  shard_lock (s);
  CHECK (!shard_late_take (s, &claim, page));
  shard_unlock (s);
  shard_bound (s, 8 * MiB / PAGE);
  CHECK (is_late (5) && zram_compact (d) == 0 && !is_late (5));
  CHECK (disk_stats (d).huge_pages == 0 && holds (5, 5));
  stop ();
}

int
main (void)
{
  test_hits ();
  test_kinds ();
  test_order ();
  test_switch ();
  test_serial ();
  test_parts ();
  test_gone ();
  test_broken ();
  test_bound ();
  return 0;
}
