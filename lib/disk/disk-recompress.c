/* nbdkit-zram: recompression on request.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "disk.h"
#include "late-work.h"

/* What a priority is configured to, in one word, to be read and set without a
 * lock: id + 1 of the codec above, the level below.
 */
static uint64_t
secondary_pack (const struct coding_kind *kind)
{
  return (uint64_t) (kind->id + 1) << 32 | (uint32_t) kind->level;
}

/* False: it is not configured. */
static bool
secondary_get (const struct zram_disk *d, unsigned priority,
               struct coding_kind *kind)
{
  uint64_t packed = atomic_load (&d->secondary[priority]);

  *kind = (struct coding_kind) {
    .id = (unsigned) (packed >> 32) - 1, .level = (int) (uint32_t) packed,
    .priority = priority,
  };
  return packed != 0;
}

static int
secondary_check (unsigned priority, char message[ZRAM_MESSAGE_MAX])
{
  return priority >= 1 && priority < ZRAM_PRIORITIES ? 0
    : refuse (message, "priority %u is not one of 1, 2 and 3", priority);
}

int
zram_set_recompression (struct zram_disk *d, unsigned priority,
                        const char *algo, bool has_level, int level,
                        char message[ZRAM_MESSAGE_MAX])
{
  const struct zram_params p = {
    .size = disk_size (d), .page_size = d->layout.page, .algo = algo,
    .has_level = has_level, .level = level,
  };
  struct coding_kind kind;
  int r = secondary_check (priority, message);

  if (r == 0)
    r = zram_params_check (&p, message);
  if (r < 0)
    return r;
  kind = disk_kind (&p);
  atomic_store (&d->secondary[priority], secondary_pack (&kind));
  return 0;
}

const char *
zram_recompression (const struct zram_disk *d, unsigned priority, int *level)
{
  struct coding_kind kind;

  if (priority < 1 || priority >= ZRAM_PRIORITIES ||
      !secondary_get (d, priority, &kind))
    return NULL;
  *level = kind.level;
  return codec_get (kind.id)->info.name;
}

/* Is it the last that a page is tried with? */
static bool
secondary_is_highest (const struct zram_disk *d, unsigned priority)
{
  struct coding_kind kind;
  unsigned i;

  for (i = priority + 1; i < ZRAM_PRIORITIES; ++i)
    if (secondary_get (d, i, &kind))
      return false;
  return true;
}

/* The run. */

struct request {
  const struct zram_disk *disk;
  const struct zram_recompress *params;
};

static bool
recompress_wants (void *opaque, const struct zram_slot *about)
{
  const struct request *q = opaque;
  const struct zram_recompress *p = q->params;

  return about->bytes >= p->threshold &&
    (about->flags & p->flags) == p->flags &&
    !(about->flags & ZRAM_SLOT_INCOMPRESSIBLE) &&
    recompress_priority (&q->disk->parts, about) < p->priority;
}

static bool
recompress_proceeds (void *opaque)
{
  const struct request *q = opaque;

  return !q->params->proceed || q->params->proceed (q->params->opaque);
}

/* Say what has ended a run. */
static int
recompress_failed (int error, const struct zram_recompress *p,
                   char message[ZRAM_MESSAGE_MAX])
{
  static const struct {
    int error;
    const char *why;
  } reasons[] = {
    { -EIO, "a page is damaged" },
    { -ENOSPC, "there is no room below mem-limit: raise it, or discard data" },
    { -EBUSY, "there are objects of too many algorithms and levels: use one"
      " of them, or discard data" },
    { -ESHUTDOWN, "it was told to end" },
  };
  const char *why = "there is not enough memory";
  size_t i;

  for (i = 0; i < sizeof reasons / sizeof reasons[0]; ++i)
    if (reasons[i].error == error)
      why = reasons[i].why;
  snprintf (message, ZRAM_MESSAGE_MAX, "recompression ended after %" PRIu64
            " pages, %" PRIu64 " of them done: %s", p->tried, p->done, why);
  return error;
}

int
zram_recompress (struct zram_disk *d, struct zram_recompress *p,
                 char message[ZRAM_MESSAGE_MAX])
{
  struct request q = { d, p };
  struct recompress_job job = {
    .want = recompress_wants, .proceed = recompress_proceeds, .opaque = &q,
    .max_pages = p->max_pages == UINT64_MAX ? 0 : p->max_pages,
    .below = p->threshold,
    .wakes = true, .urgent = true,
  };
  int r = secondary_check (p->priority, message);

  p->tried = p->done = p->bytes = p->gained = 0;
  if (r < 0)
    return r;
  if (p->threshold > d->layout.page)
    return refuse (message, "threshold %" PRIu32 " is larger than a page,"
                   " which has %" PRIu32 " bytes", p->threshold,
                   d->layout.page);
  if (!secondary_get (d, p->priority, &job.kind))
    return refuse (message, "no algorithm is set for priority %u:"
                   " recomp_algorithm does that", p->priority);
  if (p->max_pages == 0)
    return 0;
  late_work_flush (&d->parts, LATE_ALL);
  job.gives_up = secondary_is_highest (d, p->priority);
  r = recompress_run (&d->recompressor, &job);
  p->tried = job.tried;
  p->done = job.done;
  p->bytes = job.bytes;
  p->gained = job.gained;
  if (r == 0 && job.ended)
    r = -ESHUTDOWN;
  return r < 0 ? recompress_failed (r, p, message) : 0;
}

void
zram_end_jobs (struct zram_disk *d)
{
  d->recompressor.closed = true;
}
