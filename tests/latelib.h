/* nbdkit-zram: what the tests of late pages share.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk of one shard, whose codec counts how often it is called.  The
 * workers are not started.
 */

#ifndef LATELIB_H
#define LATELIB_H

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define LATE 16u                /* pages */

static struct zram_disk *d;
static struct shard *s;
static _Atomic unsigned compressed;
static struct codec codec, *in_use;

static inline int
compress (const void *params, void *compressor, const void *src,
          size_t src_len, void *dst, size_t dst_len)
{
  compressed++;
  return codec.compress (params, compressor, src, src_len, dst, dst_len);
}

/* A disk of one shard, whose codec counts. */
static inline void
start_with (struct zram_params p)
{
  unsigned i;

  d = disk_open (&p);
  s = &d->shards[0];
  CHECK (shard_count (d) == 1);
  codec = *d->codings.coding[d->codings.now].codec;
  in_use = malloc (sizeof *in_use);
  *in_use = codec;
  in_use->compress = compress;
  for (i = 0; i < d->workspaces.made; ++i)
    d->workspaces.w[i].encoder.codec = in_use;
  compressed = 0;
}

static inline void
start (void)
{
  start_with ((struct zram_params) { .size = 8 * MiB, .late = LATE * PAGE });
}

static inline void
stop (void)
{
  disk_recount (d);
  zram_close (d);
  free (in_use);
}

static inline void
put (uint64_t n, uint64_t seed)
{
  unsigned char buf[PAGE];

  page_make (buf, PAGE, 700, seed);
  CHECK (zram_pwrite (d, buf, PAGE, n * PAGE) == 0);
}

static inline bool
holds (uint64_t n, uint64_t seed)
{
  unsigned char want[PAGE], got[PAGE];

  page_make (want, PAGE, 700, seed);
  CHECK (zram_pread (d, got, PAGE, n * PAGE) == 0);
  return memcmp (want, got, PAGE) == 0;
}

static inline bool
is_late (uint64_t n)
{
  return late_find (&s->late, n) != LATE_NONE;
}

#endif /* LATELIB_H */
