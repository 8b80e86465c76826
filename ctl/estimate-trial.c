/* nbdzramctl: one way of compressing, tried on a sample.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk of the engine itself, in this process, is written, compacted as an
 * idle one would be, looked at, and read back.  Nothing is calculated that
 * can be measured, but the step from the sample to the whole.
 */

#include <config.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "algorithm.h"
#include "estimate-trial.h"
#include "message.h"
#include "must.h"
#include "number.h"
#include "zram.h"

/* --- Planning ----------------------------------------------------------- */

#define PAGE_SIZES "4K,16K,64K"

/* Levels that are tried besides the codec's default. */
static const struct { const char *codec; int level; } more_levels[] = {
  { "zstd", 3 }, { "zstd", 9 },
};

struct plan {
  struct trial *trials;
  int n;
};

static int
plan_add (struct plan *p, const char *codec, bool has_level, int level,
          uint32_t page_size)
{
  struct trial *t = &p->trials[p->n];
  struct zram_params params = {
    .size = 1 << 20, .algo = codec, .has_level = has_level, .level = level,
    .page_size = page_size,
  };
  char message[ZRAM_MESSAGE_MAX];

  if (p->n == TRIALS_MAX)
    return fault ("more than %d combinations", TRIALS_MAX);
  if (zram_params_check (&params, message) < 0)
    return fault ("%s", message);
  memset (t, 0, sizeof *t);
  t->codec = codec;
  t->has_level = has_level;
  t->level = level;
  t->page_size = page_size;
  p->n++;
  return 0;
}

static int
plan_all (struct plan *p, uint32_t page_size)
{
  const struct zram_codec_info *info;
  unsigned i, j;

  for (i = 0; (info = zram_codec_info (i)); i++) {
    bool has_levels = info->level_min <= info->level_max;

    if (plan_add (p, info->name, has_levels, info->level_default,
                  page_size) < 0)
      return -1;
    for (j = 0; j < sizeof more_levels / sizeof more_levels[0]; j++)
      if (strcmp (more_levels[j].codec, info->name) == 0 &&
          plan_add (p, info->name, true, more_levels[j].level,
                    page_size) < 0)
        return -1;
  }
  return 0;
}

/* Find a codec by its name or its alias.  NULL: there is none. */
static const struct zram_codec_info *
plan_find_codec (const char *name)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)); i++)
    if (strcmp (info->name, name) == 0 ||
        (info->alias && strcmp (info->alias, name) == 0))
      break;
  return info;
}

/* Add the trial of a CODEC or CODEC:LEVEL.  -1 with a fault. */
static int
plan_one (struct plan *p, const char *word, uint32_t page_size)
{
  const struct zram_codec_info *info;
  struct algorithm a;
  bool understood = algorithm_parse (word, &a) == 0;

  info = plan_find_codec (a.name);
  if (!info)
    return fault ("-a %s: there is no such codec", word);
  if (!understood)
    return fault ("-a %s: the level is no number", word);
  return a.has_level
    ? plan_add (p, info->name, true, a.level, page_size)
    : plan_add (p, info->name, info->level_min <= info->level_max,
                info->level_default, page_size);
}

static int
plan_codecs (struct plan *p, const char *codecs, uint32_t page_size)
{
  FREED char *list = must_copy (codecs);
  char *rest = list, *word;
  int r = 0;

  while (r == 0 && (word = strsep (&rest, ",")))
    r = plan_one (p, word, page_size);
  return r;
}

static int
plan_page_size (struct plan *p, const char *codecs, const char *word)
{
  uint64_t n;

  if (number_size (word, 0, &n) < 0 || n < ZRAM_PAGE_MIN ||
      n > ZRAM_PAGE_MAX || (n & (n - 1)))
    return fault ("--page-size %s: must be a power of two from 4K to 64K",
                  *word ? word : "\"\"");
  return codecs ? plan_codecs (p, codecs, (uint32_t) n)
                : plan_all (p, (uint32_t) n);
}

int
trials_plan (const char *codecs, const char *page_sizes,
             struct trial trials[TRIALS_MAX])
{
  FREED char *sizes = must_copy (page_sizes ? page_sizes : PAGE_SIZES);
  struct plan plan = { trials, 0 };
  char *rest = sizes, *word;
  int r = 0;

  while (r == 0 && (word = strsep (&rest, ",")))
    r = plan_page_size (&plan, codecs, word);
  return r < 0 ? -1 : plan.n;
}

/* --- Doing -------------------------------------------------------------- */

/* Return the CPU time of this thread: other programs do not count. */
static uint64_t
trial_cpu_ns (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * UINT64_C (1000000000) + (uint64_t) t.tv_nsec;
}

static uint64_t
trial_scale (uint64_t n, const struct sample *s)
{
  return (uint64_t) ((__uint128_t) n * s->data_bytes / s->length);
}

/* Return how much of the sample is written or read at once. */
static uint64_t
trial_piece (const struct sample *s, uint64_t at)
{
  return s->length - at < SAMPLE_RUN ? s->length - at : SAMPLE_RUN;
}

static uint64_t
trial_by_page (uint64_t ns, const struct trial *t, const struct sample *s)
{
  return ns / ((s->length + t->page_size - 1) / t->page_size);
}

static int
trial_write (struct zram_disk *disk, struct trial *t, const struct sample *s,
             progress_fn *progress, void *opaque)
{
  uint64_t at, n, start, ns = 0;
  int r;

  for (at = 0; at < s->length; at += n) {
    n = trial_piece (s, at);
    start = trial_cpu_ns ();
    r = zram_pwrite (disk, s->data + at, n, at);
    ns += trial_cpu_ns () - start;
    if (r < 0)
      return fault ("%s: %s", t->codec, strerror (-r));
    progress (opaque, (double) at / (double) s->length * 0.8);
  }
  t->write_ns = trial_by_page (ns, t, s);
  return 0;
}

/* Read all of it back and compare. */
static int
trial_read (struct zram_disk *disk, struct trial *t, const struct sample *s,
            progress_fn *progress, void *opaque)
{
  static unsigned char buf[SAMPLE_RUN];
  uint64_t at, n, start, ns = 0;
  int r;

  for (at = 0; at < s->length; at += n) {
    n = trial_piece (s, at);
    start = trial_cpu_ns ();
    r = zram_pread (disk, buf, n, at);
    ns += trial_cpu_ns () - start;
    if (r == 0 && memcmp (buf, s->data + at, n) != 0)
      r = -EIO;
    if (r < 0)
      return fault ("%s: reading back: %s", t->codec, strerror (-r));
    progress (opaque, 0.8 + (double) at / (double) s->length * 0.2);
  }
  t->read_ns = trial_by_page (ns, t, s);
  return 0;
}

/* Estimate what a disk with all of the data would hold.  The codecs' memory
 * does not depend on the size.  Nor do the free segments, but for the 1 % that
 * an idle disk keeps: multiplied, they would make large pages, which have
 * large segments, look bad.
 */
static uint64_t
trial_held (const struct zram_stats *st, const struct sample *s)
{
  uint64_t fixed = st->mem_codecs + st->mem_other + st->mem_free;
  uint64_t part = st->mem_used_total - fixed, whole = trial_scale (part, s);

  /* The sample of a small file is padded to whole pages. */
  return fixed + whole + (whole > part ? (whole - part) / 100 : 0);
}

/* What upkeep makes of it depends on the size of pages and hardly on the codec:
 * it is done for the first trial of each size.
 */
static int
trial_tend (struct zram_disk *disk, struct trial *t, const struct sample *s)
{
  struct zram_stats st;
  int r = zram_upkeep_now (disk);

  if (r == -ENOTSUP)
    return 0;
  if (r < 0)
    return fault ("%s: upkeep: %s", t->codec, strerror (-r));
  zram_compact (disk);
  zram_stats (disk, &st);
  t->day = trial_held (&st, s);
  return 0;
}

int
trial_run (struct trial *t, bool tend, const struct sample *s,
           progress_fn *progress, void *opaque)
{
  struct zram_params params = {
    .size = s->length, .page_size = t->page_size, .algo = t->codec,
    .has_level = t->has_level, .level = t->level,
    .upkeep = zram_upkeep_usual (),
  };
  char message[ZRAM_MESSAGE_MAX];
  struct zram_stats full;
  struct zram_disk *disk;
  int r;

  if (zram_open (&params, &disk, message) < 0)
    return fault ("%s", message);
  r = trial_write (disk, t, s, progress, opaque);
  if (r == 0) {
    zram_compact (disk);
    zram_stats (disk, &full);
    t->compressed = trial_scale (full.compr_data_size, s);
    t->held = trial_held (&full, s);
    r = trial_read (disk, t, s, progress, opaque);
  }
  if (r == 0 && tend)
    r = trial_tend (disk, t, s);
  zram_close (disk);
  return r;
}
