/* nbdkit-zram: which pages recompression takes, and what they become.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Random disks of all codecs and page sizes are recompressed with random
 * priorities, types, thresholds and numbers of pages.  An oracle, written
 * from the rules as they are documented, says of each page beforehand what it
 * will be; between the runs pages are written, read, trimmed and marked idle.
 */

#include <config.h>

#include <stdlib.h>

#include "disk.h"
#include "disklib.h"
#include "pages.h"

#define PAGES 300u

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define ROUNDS 6
#else
#define ROUNDS 30
#endif

static struct zram_disk *d;
static unsigned char *data;     /* what the disk holds */
static size_t page;

/* A page as block_state and the oracle know it. */
struct state {
  bool there;
  unsigned flags, priority;
  uint32_t bytes;
};

static struct state is[PAGES], want[PAGES];
static struct zram_recompress run;

static int
look_at (void *opaque, const struct zram_slot *about)
{
  struct state *s = opaque;

  s[about->slot] = (struct state) {
    .there = true, .flags = about->flags, .bytes = about->bytes,
    .priority = about->flags & ZRAM_SLOT_RECOMPRESSED
      ? d->codings.coding[about->coding].priority : 0,
  };
  return 0;
}

static void
look (struct state s[PAGES])
{
  memset (s, 0, PAGES * sizeof *s);
  CHECK (zram_each_slot (d, 0, look_at, s) == 0);
}

/* What a page compresses to; 0: it does not. */
struct trial {
  const struct codec *codec;
  void *params, *compressor;
  char *out;
};

static struct trial
trial_begin (unsigned priority)
{
  struct trial t = { .out = malloc (page) };
  int level;

  t.codec = codec_get ((unsigned) codec_find (
    zram_recompression (d, priority, &level)));
  t.params = t.codec->params_new (level, page, NULL);
  t.compressor = t.codec->compressor_new (t.params);
  CHECK (t.params && t.compressor && t.out);
  return t;
}

static void
trial_end (struct trial *t)
{
  t->codec->compressor_free (t->compressor);
  t->codec->params_free (t->params);
  free (t->out);
}

static uint32_t
trial_size (struct trial *t, unsigned slot)
{
  int n = t->codec->compress (t->params, t->compressor, data + slot * page,
                              page, t->out, d->layout.object_max);

  CHECK (n >= 0);
  return (uint32_t) n;
}

/* The rules. */

static bool
rule_takes (const struct state *s)
{
  return s->there && !(s->flags & (ZRAM_SLOT_SAME | ZRAM_SLOT_INCOMPRESSIBLE))
    && s->priority < run.priority && s->bytes >= run.threshold &&
    (!(run.flags & ZRAM_SLOT_IDLE) || s->flags & ZRAM_SLOT_IDLE) &&
    (!(run.flags & ZRAM_SLOT_HUGE) || s->flags & ZRAM_SLOT_HUGE);
}

static bool
rule_is_highest (void)
{
  unsigned i;
  int level;

  for (i = run.priority + 1; i <= 3; ++i)
    if (zram_recompression (d, i, &level))
      return false;
  return true;
}

/* A page is tried. */
static void
rule_try (struct trial *t, unsigned slot, struct zram_recompress *sum)
{
  struct state *s = &want[slot];
  uint32_t n = trial_size (t, slot);

  sum->tried++;
  s->flags &= ~ZRAM_SLOT_IDLE;
  if (n > 0 && n < s->bytes && (run.threshold == 0 || n < run.threshold)) {
    sum->done++;
    sum->bytes += s->bytes;
    sum->gained += s->bytes - n;
    s->bytes = n;
    s->priority = run.priority;
    s->flags = ZRAM_SLOT_RECOMPRESSED;
  }
  else if (rule_is_highest ())
    s->flags |= ZRAM_SLOT_INCOMPRESSIBLE;
}

/* The largest first, in steps of 64 bytes of 4096; of a step the last page of
 * the disk first.
 */
static void
rule_run (struct zram_recompress *sum)
{
  struct trial t = trial_begin (run.priority);
  uint32_t step = (uint32_t) page / 64;
  unsigned slot;
  int list;

  memcpy (want, is, sizeof want);
  for (list = 64; list >= 0; --list)
    for (slot = PAGES; slot-- > 0; )
      if (rule_takes (&is[slot]) && is[slot].bytes / step == (uint32_t) list &&
          sum->tried < run.max_pages)
        rule_try (&t, slot, sum);
  trial_end (&t);
}

static void
check_run (void)
{
  struct zram_recompress sum = { 0 };
  char message[ZRAM_MESSAGE_MAX];
  unsigned i;

  look (is);
  rule_run (&sum);
  if (zram_recompress (d, &run, message) < 0)
    fail ("%s", message);
  look (is);
  for (i = 0; i < PAGES; ++i)
    if (is[i].there != want[i].there || is[i].flags != want[i].flags ||
        is[i].priority != want[i].priority || is[i].bytes != want[i].bytes)
      fail ("page %u is %x in %u bytes, priority %u; should be %x in %u,"
            " priority %u", i, is[i].flags, is[i].bytes, is[i].priority,
            want[i].flags, want[i].bytes, want[i].priority);
  CHECK (run.tried == sum.tried && run.done == sum.done);
  CHECK (run.bytes == sum.bytes && run.gained == sum.gained);
  disk_recount (d);
}

/* What happens between the runs. */

static void
change_page (unsigned slot)
{
  unsigned char *p = data + slot * page, *back = malloc (page);

  CHECK (back);
  switch (below (5)) {
  case 0:
    CHECK (zram_trim (d, page, slot * page) == 0);
    memset (p, 0, page);
    break;
  case 1:
    CHECK (zram_pread (d, back, page, slot * page) == 0);
    CHECK (memcmp (back, p, page) == 0);
    break;
  default:
    kinds[below (nr_kinds)].make (p, page);
    CHECK (zram_pwrite (d, p, page, slot * page) == 0);
  }
  free (back);
}

static void
set_some (unsigned priority)
{
  static const int levels[] = { 1, 3, 6, 9 };
  const struct zram_codec_info *info;
  char message[ZRAM_MESSAGE_MAX];
  unsigned n = 0;
  int level;

  while (zram_codec_info (n))
    n++;
  info = zram_codec_info ((unsigned) below (n));
  level = levels[below (4)];
  if (zram_set_recompression (d, priority, info->name,
                              info->level_min <= level &&
                              level <= info->level_max, level, message) < 0)
    fail ("%s", message);
}

static void
choose_run (void)
{
  static const unsigned types[] = {
    0, ZRAM_SLOT_IDLE, ZRAM_SLOT_HUGE, ZRAM_SLOT_IDLE | ZRAM_SLOT_HUGE,
  };
  unsigned priority = 1 + (unsigned) below (3);
  int level;

  if (below (3) == 0 || !zram_recompression (d, priority, &level))
    set_some (priority);
  run = (struct zram_recompress) {
    .priority = priority,
    .flags = types[below (3) ? 0 : below (4)],
    .threshold = below (2) ? 0 : (uint32_t) below (page + 1),
    .max_pages = below (2) ? UINT64_MAX : below (PAGES),
  };
}

static void
check_data (void)
{
  unsigned char *back = malloc (PAGES * page);

  CHECK (back && zram_pread (d, back, PAGES * page, 0) == 0);
  CHECK (memcmp (back, data, PAGES * page) == 0);
  free (back);
}

static void
test_disk (const char *algo, uint32_t page_size)
{
  struct zram_params p = {
    .size = (uint64_t) PAGES * page_size, .page_size = page_size, .algo = algo,
  };
  unsigned i, round;

  page = page_size;
  d = disk_open (&p);
  data = calloc (PAGES, page);
  CHECK (data);
  for (i = 0; i < PAGES; ++i)
    change_page (i);
  for (round = 0; round < ROUNDS; ++round) {
    if (below (2))
      CHECK (zram_mark_idle (d, 0) == 0);
    for (i = (unsigned) below (PAGES); i > 0; --i)
      change_page ((unsigned) below (PAGES));
    choose_run ();
    check_run ();
  }
  check_data ();
  free (data);
  zram_close (d);
}

int
main (int argc, char *argv[])
{
  static const uint32_t sizes[] = { 4096, 16384, 65536 };
  const struct zram_codec_info *info;
  unsigned i;

  pages_seed (argc, argv);
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    test_disk (info->name, 4096);
  for (i = 1; i < 3; ++i)
    test_disk (zram_codec_default (), sizes[i]);
  return 0;
}
