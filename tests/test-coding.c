/* nbdkit-zram: codings: one codec with several levels at once.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <string.h>

#include "disk.h"
#include "coding-change.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define EACH 20u                /* pages of a coding */

static struct zram_disk *d;

/* Pages of coding number n are these. */
static uint64_t
slot_of (unsigned n, unsigned i)
{
  return (n * EACH + i) * 3;
}

static void
write_pages (unsigned n)
{
  unsigned char page[PAGE];
  unsigned i;

  for (i = 0; i < EACH; ++i) {
    page_make (page, PAGE, 600, slot_of (n, i) + 1);
    CHECK (zram_pwrite (d, page, PAGE, slot_of (n, i) * PAGE) == 0);
  }
}

static void
check_pages (unsigned n)
{
  unsigned char want[PAGE], got[PAGE];
  unsigned i;

  for (i = 0; i < EACH; ++i) {
    page_make (want, PAGE, 600, slot_of (n, i) + 1);
    CHECK (zram_pread (d, got, PAGE, slot_of (n, i) * PAGE) == 0);
    CHECK (memcmp (got, want, PAGE) == 0);
  }
}

static void
trim_pages (unsigned n)
{
  unsigned i;

  for (i = 0; i < EACH; ++i)
    CHECK (zram_trim (d, PAGE, slot_of (n, i) * PAGE) == 0);
}

static int
change (const char *algo, int level)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  int r = zram_set_algorithm (d, algo, true, level, message);

  CHECK ((r == 0) == (message[0] == '\0'));
  if (r == -EBUSY)
    CHECK (strstr (message, algo) && strstr (message, "discard data"));
  return r;
}

static unsigned
in_use (void)
{
  unsigned i, n = 0;

  for (i = 0; i < CODINGS_MAX; ++i)
    n += d->codings.coding[i].codec != NULL;
  return n;
}

/* Pages that a coding wrote, by the disk's statistics and by its own. */
static void
check_counts (unsigned id, uint64_t pages)
{
  uint64_t n = 0;
  unsigned i, k;

  for (i = 0; i < CODINGS_MAX; ++i)
    for (k = 0; k < shard_count (d) && d->codings.coding[i].codec &&
           d->codings.coding[i].id == id; ++k)
      n += counter_get (&d->shards[k].n.store.arena.coding[i].pages);
  CHECK (n == pages && disk_stats (d).codec[id].pages == pages);
  disk_recount (d);
}

/* Two codecs that have 16 levels between them. */
static void
test_full (const char *algo, const char *other)
{
  unsigned id = (unsigned) codec_find (algo), n;
  unsigned other_id = (unsigned) codec_find (other), was;
  int level = zram_codec_info (other_id)->level_default;
  struct zram_params p = {
    .size = 64 * MiB, .algo = algo, .has_level = true, .level = 1,
  };

  d = disk_open (&p);
  write_pages (0);
  CHECK (in_use () == 1);
  for (n = 1; n < CODINGS_MAX; ++n) {
    CHECK (change (algo, 1 + (int) n) == 0);
    write_pages (n);
    CHECK (in_use () == n + 1 && zram_level (d) == 1 + (int) n);
    check_counts (id, (n + 1) * EACH);
  }
  /* A level that is in use costs nothing. */
  CHECK (change (algo, 5) == 0 && d->codings.now == 4);
  CHECK (in_use () == CODINGS_MAX);
  /* All are taken: another codec is refused, a level takes one over. */
  was = d->codings.now;
  CHECK (change (other, level) == -EBUSY);
  CHECK (strcmp (zram_algorithm (d), algo) == 0 && zram_level (d) == 5);
  CHECK (change (algo, 100) == 0 && d->codings.now == was);
  CHECK (zram_level (d) == 100 && in_use () == CODINGS_MAX);
  write_pages (CODINGS_MAX);
  for (n = 0; n <= CODINGS_MAX; ++n)
    check_pages (n);
  check_counts (id, (CODINGS_MAX + 1) * EACH);

  /* When one has no objects left there is room. */
  trim_pages (7);
  CHECK (change (other, level) == 0 && in_use () == CODINGS_MAX);
  CHECK (d->codings.now == 7);
  write_pages (7);
  for (n = 0; n <= CODINGS_MAX; ++n)
    check_pages (n);
  check_counts (id, CODINGS_MAX * EACH);
  check_counts (other_id, EACH);

  /* All pages by one: the others go. */
  for (n = 0; n <= CODINGS_MAX; ++n)
    write_pages (n);
  codings_tidy (&d->parts);
  CHECK (in_use () == 1);
  for (n = 0; n <= CODINGS_MAX; ++n)
    check_pages (n);
  check_counts (id, 0);
  check_counts (other_id, (CODINGS_MAX + 1) * EACH);
  zram_close (d);
}

/* The first two codecs there are that have so many levels, if there are. */
int
main (void)
{
  const struct zram_codec_info *info;
  const char *many = NULL, *other = NULL;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    if (!many && info->level_max >= 100)
      many = info->name;
    else if (!other && info->level_min <= info->level_max)
      other = info->name;
  if (!many || !other) {
    printf ("no codec has 16 levels\n");
    return 77;
  }
  test_full (many, other);
  return 0;
}
