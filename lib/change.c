/* nbdkit-zram: what can change while a disk is in use: codec, size.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "disk.h"

/* The codec. */

int
codecs_use (struct zram_disk *d, unsigned codec, int level)
{
  const struct codec *c = codec_get (codec);
  void *params = c->params_new (level, d->layout.page), *old;

  if (!params)
    return -ENOMEM;
  if (workspaces_use (&d->workspaces, codec, params) < 0) {
    c->params_free (params);
    return -ENOMEM;
  }
  old = d->codecs.params[codec];
  d->codecs.params[codec] = params;
  if (old)
    c->params_free (old);
  d->codecs.level = c->info.level_min <= c->info.level_max ? level : 0;
  d->codecs.now = codec;
  return 0;
}

int
zram_set_algorithm (struct zram_disk *d, const char *algo, bool has_level,
                    int level, char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = {
    .size = disk_size (d), .page_size = d->layout.page, .algo = algo,
    .has_level = has_level, .level = level,
  };
  unsigned codec;
  int r;

  r = zram_params_check (&p, message);
  if (r < 0)
    return r;
  codec = (unsigned) codec_find (algo);
  if (!has_level)
    level = codec_get (codec)->info.level_default;
  pthread_mutex_lock (&d->change);
  r = codecs_use (d, codec, level);
  if (r == 0)
    reserve_touch_codecs (d);
  pthread_mutex_unlock (&d->change);
  if (r < 0)
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for the contexts of %s", algo);
  return r;
}

/* The size. */

/* Does the page that the new end falls into hold only zeroes beyond it? */
static bool
ragged_end_is_zero (struct zram_disk *d, uint64_t size)
{
  uint64_t end = slots_of (d, size) << d->layout.page_shift;
  char buf[512];
  uint64_t n;
  size_t i;

  if (end > disk_size (d))
    end = disk_size (d);
  for (; size < end; size += n) {
    n = end - size < sizeof buf ? end - size : sizeof buf;
    if (zram_pread (d, buf, n, size) < 0)
      return false;
    for (i = 0; i < n; ++i)
      if (buf[i])
        return false;
  }
  return true;
}

/* A shard that is left without a slot keeps one that nobody can name. */
static int
resize_shards (struct zram_disk *d, uint64_t size)
{
  uint64_t n;
  unsigned i;
  int r;

  for (i = 0; i < shard_count (d); ++i) {
    n = slots_below (d, i, slots_of (d, size));
    r = shard_resize (&d->shards[i], n ? n : 1);
    if (r < 0)
      return r;
  }
  return 0;
}

/* Requests that are under way see the old size or the new: what lies
 * between is refused by the shards.
 */
static int
resize (struct zram_disk *d, uint64_t size)
{
  uint64_t old = disk_size (d);
  int r;

  if (size < old && !ragged_end_is_zero (d, size))
    return -EBUSY;
  if (size < old)
    d->size = size;
  r = resize_shards (d, size);
  if (r == 0)
    d->size = size;
  else if (size < old) {
    d->size = old;
    /* Growing back needs no memory: it was there before. */
    resize_shards (d, old);
  }
  return r;
}

int
zram_resize (struct zram_disk *d, uint64_t size,
             char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = { .size = size, .page_size = d->layout.page };
  int r;

  r = zram_params_check (&p, message);
  if (r < 0)
    return r;
  pthread_mutex_lock (&d->change);
  reserve_hold (d);
  r = resize (d, size);
  reserve_let_go (d);
  pthread_mutex_unlock (&d->change);
  if (r == -EBUSY)
    snprintf (message, ZRAM_MESSAGE_MAX, "the disk holds data beyond %"
              PRIu64 ": discard that first", size);
  else if (r < 0)
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for %" PRIu64 " bytes", size);
  return r;
}
