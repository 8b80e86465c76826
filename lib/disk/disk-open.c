/* nbdkit-zram: parameters checked, disks made and ended.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "coding-change.h"
#include "disk.h"
#include "os.h"

/* A shard keeps a segment or two ready and a little room scattered, so it
 * should hold much more than that: this much of the disk, which is about
 * 12 MiB of compressed data with zstd.
 */
#define SHARD_BYTES (UINT64_C (64) << 20)

/* More than processors: who is interrupted with a shard's lock makes all
 * wait who come to it meanwhile, so they shall seldom come.
 */
#define SHARDS_PER_CPU 8

/* Bytes: what can be compressed in a few seconds. */
#define LATE_MAX (UINT64_C (1) << 30)

int
refuse (char message[ZRAM_MESSAGE_MAX], const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (message, ZRAM_MESSAGE_MAX, format, args);
  va_end (args);
  return -EINVAL;
}

/* "lz4, zstd, lzo (lzo-rle)" */
static void
disk_list_codecs (char *buf, size_t size)
{
  const struct zram_codec_info *info;
  size_t n = 0;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL && n < size; ++i)
    n += (size_t) snprintf (buf + n, size - n, "%s%s%s%s%s",
                            i ? ", " : "", info->name,
                            info->alias ? " (" : "",
                            info->alias ? info->alias : "",
                            info->alias ? ")" : "");
}

static const char *
disk_algo (const struct zram_params *p)
{
  return p->algo ? p->algo : zram_codec_default ();
}

static uint32_t
disk_page (const struct zram_params *p)
{
  return p->page_size ? p->page_size : ZRAM_PAGE_MIN;
}

/* Check how many bytes may be late. */
static int
disk_check_late (const struct zram_params *p, char message[ZRAM_MESSAGE_MAX])
{
  uint32_t page = disk_page (p);

  if (p->late && p->swap)
    return refuse (message, "late %" PRIu64 " is of no use with swap: "
                   "must be 0", p->late);
  if (p->late && (p->late < page || p->late > LATE_MAX))
    return refuse (message, "late %" PRIu64 " is not 0, nor from one page, %"
                   PRIu32 ", to %" PRIu64 " bytes", p->late, page, LATE_MAX);
  if (p->mem_limit && p->late > p->mem_limit / 2)
    return refuse (message, "late %" PRIu64 " is more than half of "
                   "mem-limit: must be at most %" PRIu64, p->late,
                   p->mem_limit / 2);
  return 0;
}

int
zram_params_check (const struct zram_params *p,
                   char message[ZRAM_MESSAGE_MAX])
{
  uint32_t page = disk_page (p);
  struct coding_kind kind;
  char names[128];
  int codec;

  if (p->size == 0)
    return refuse (message, "size is 0: the smallest disk has 1 byte");
  if (p->size > ZRAM_SIZE_MAX)
    return refuse (message, "size %" PRIu64 " is too large: "
                   "the largest disk has %" PRIu64 " bytes (16T)",
                   p->size, ZRAM_SIZE_MAX);
  if (page < ZRAM_PAGE_MIN || page > ZRAM_PAGE_MAX || page & (page - 1))
    return refuse (message, "page-size %" PRIu32 " is not one of "
                   "4096, 8192, 16384, 32768 and 65536", page);
  codec = codec_find (disk_algo (p));
  if (codec < 0) {
    disk_list_codecs (names, sizeof names);
    return refuse (message, "algo '%.64s' is not known: there are %s",
                   disk_algo (p), names);
  }
  if (p->has_level &&
      codec_check_level (codec_get ((unsigned) codec), p->level, message) < 0)
    return -EINVAL;
  if (disk_check_late (p, message) < 0)
    return -EINVAL;
  kind = disk_kind (p);
  if (disk_check_dictionary (p, &kind, message) < 0)
    return -EINVAL;
  return p->upkeep.on ? upkeep_check (&p->upkeep, message) : 0;
}

static unsigned
disk_shards_wanted (uint64_t size)
{
  unsigned shift = 0, most = SHARDS_PER_CPU * os_cpus ();

  if (most > SHARDS_MAX)
    most = SHARDS_MAX;
  while (1u << shift < most &&
         size / SHARD_BYTES >= UINT64_C (2) << shift)
    shift++;
  return shift;
}

/* Late pages are divided among the shards: at least one each. */
static int
disk_set_late (struct zram_disk *d, struct shard *s)
{
  uint64_t n = d->late >> d->layout.page_shift;
  uint32_t max = (uint32_t) ((n + shard_count (d) - 1) / shard_count (d));

  account_force (&d->account, ACCOUNT_OTHER, late_bytes (max));
  return shard_set_late (s, max, d->late);
}

static int
disk_make_shards (struct zram_disk *d, unsigned ages)
{
  unsigned i;

  d->map.shard_shift = disk_shards_wanted (disk_size (d));
  d->shards = os_alloc (shard_count (d) * sizeof *d->shards);
  if (!d->shards)
    return -ENOMEM;
  d->parts.shards = d->shards;
  d->parts.nshards = shard_count (d);
  for (i = 0; i < shard_count (d); ++i)
    if (shard_init (&d->shards[i], &d->layout,
                    slots_below (d, i, slots_of (d, disk_size (d))),
                    ages, &d->account) < 0 ||
        disk_set_late (d, &d->shards[i]) < 0)
      return -ENOMEM;
  account_force (&d->account, ACCOUNT_OTHER,
                 sizeof *d + os_cpus () * sizeof d->latencies->cell[0] +
                 shard_count (d) * sizeof *d->shards);
  return 0;
}

/* The coding of new objects that the parameters, checked, ask for. */
struct coding_kind
disk_kind (const struct zram_params *p)
{
  unsigned id = (unsigned) codec_find (disk_algo (p));
  const struct zram_codec_info *info = &codec_get (id)->info;

  return (struct coding_kind) {
    .id = id,
    .level = info->level_min > info->level_max ? 0
      : p->has_level ? p->level : info->level_default,
  };
}

/* All but the shards. */
static void
disk_set_parts (struct zram_disk *d)
{
  d->parts = (struct parts) {
    .layout = &d->layout, .account = &d->account, .codings = &d->codings,
    .workspaces = &d->workspaces, .change = &d->change,
    .counted = d->latencies, .counted_bytes = sizeof *d->latencies,
  };
}

/* As many as processors but one, which has somebody to serve. */
static unsigned
disk_late_workers (void)
{
  unsigned cpus = os_cpus ();

  return cpus > 1 ? cpus - 1 : 1;
}

/* What is to be kept of when pages were accessed. */
static unsigned
disk_ages (const struct zram_params *p)
{
  return (p->track_access ? AGES_SECONDS : 0) |
    (upkeep_wants_ages (&p->upkeep, p->swap) ? AGES_EPOCHS : 0);
}

static int
disk_make (struct zram_disk *d, const struct zram_params *p)
{
  struct coding_kind kind = disk_kind (p);

  d->size = p->size;
  d->layout = layout_for_page (disk_page (p));
  d->track_access = p->track_access;
  d->late = p->late;
  d->leave_one = p->serial ? os_cpus () - 1 : 0;
  pthread_mutex_init (&d->change, NULL);
  keeper_init (&d->keeper, &d->parts);
  dictionary_job_init (&d->dictionary_job, &d->parts,
                       p->dictionary == ZRAM_DICTIONARY_AUTO && !p->swap);
  recompressor_init (&d->recompressor, &d->parts);
  reserve_init (&d->reserve, &d->parts, p->swap, p->swap_reserve);
  upkeep_init (&d->upkeep, &d->parts, &p->upkeep, p->swap,
               p->dictionary != ZRAM_DICTIONARY_OFF);
  if (late_work_init (&d->late_work, &d->parts,
                      p->late ? disk_late_workers () : 0) < 0)
    return -ENOMEM;
  if (workspaces_init (&d->workspaces, WORKSPACES_PER_CPU * os_cpus (),
                       &d->layout, &d->codings, &d->account) < 0)
    return -ENOMEM;
  d->latencies = os_map (sizeof *d->latencies);
  if (!d->latencies)
    return -ENOMEM;
  disk_set_parts (d);
  if (disk_make_dictionary (d, p) < 0)
    return -ENOMEM;
  kind.dictionary = disk_dictionary (d, kind.id);
  if (codings_use (&d->parts, &kind) < 0)
    return -ENOMEM;
  return disk_make_shards (d, disk_ages (p));
}

int
zram_open (const struct zram_params *p, struct zram_disk **disk,
           char message[ZRAM_MESSAGE_MAX])
{
  struct zram_disk *d;
  uint64_t held;
  int r;

  r = zram_params_check (p, message);
  if (r < 0)
    return r;
  d = os_alloc (sizeof *d);
  if (!d || disk_make (d, p) < 0) {
    zram_close (d);
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for a disk of %" PRIu64 " bytes", p->size);
    return -ENOMEM;
  }
  held = atomic_load (&d->account.held);
  if (p->mem_limit && p->mem_limit <= held) {
    zram_close (d);
    return refuse (message, "mem-limit %" PRIu64 " is too small: "
                   "an empty disk wants at least %" PRIu64 "K",
                   p->mem_limit, held / 1024 + 1);
  }
  zram_set_mem_limit (d, p->mem_limit);
  *disk = d;
  return 0;
}

void
zram_close (struct zram_disk *d)
{
  unsigned i;

  if (!d)
    return;
  zram_keeper_stop (d);
  if (d->shards) {
    for (i = 0; i < shard_count (d); ++i)
      shard_destroy (&d->shards[i]);
    os_free (d->shards, shard_count (d) * sizeof *d->shards);
  }
  workspaces_destroy (&d->workspaces);
  for (i = 0; i < CODINGS_MAX; ++i)
    coding_clear (&d->codings, i);
  disk_free_dictionary (d);
  pthread_mutex_destroy (&d->change);
  os_unmap (d->latencies, sizeof *d->latencies);
  keeper_destroy (&d->keeper);
  dictionary_job_destroy (&d->dictionary_job);
  recompressor_destroy (&d->recompressor);
  late_work_destroy (&d->late_work);
  reserve_destroy (&d->reserve);
  upkeep_destroy (&d->upkeep);
  os_free (d, sizeof *d);
}
