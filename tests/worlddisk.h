/* nbdkit-zram: a disk of pages that dictionaries are good for.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef WORLD_DISK_H
#define WORLD_DISK_H

#include "disk.h"
#include "disklib.h"
#include "worlds.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u

static const struct codec *codec;       /* the one that takes a dictionary */
static unsigned id;

static inline bool
find_codec (void)
{
  int found = world_codec ();

  if (found < 0)
    return false;
  id = (unsigned) found;
  codec = codec_get (id);
  return true;
}

static struct zram_disk *d;
static uint64_t of_world[65536];        /* of each page, 0: nothing there */
static uint64_t seed_of[65536], seeds;

/* Its jobs are not to wait for others who use this machine. */
static inline struct zram_disk *
open_disk (uint64_t size)
{
  struct zram_params p = { .size = size, .algo = codec->info.name };
  struct zram_disk *disk = disk_open (&p);

  memset (of_world, 0, sizeof of_world);
  idle_hurry (&disk->dictionary_job.idle);
  return disk;
}

static inline void
put (uint64_t n, uint64_t world)
{
  unsigned char page[PAGE];

  world_page (page, PAGE, world, ++seeds);
  CHECK (zram_pwrite (d, page, PAGE, n * PAGE) == 0);
  of_world[n] = world;
  seed_of[n] = seeds;
}

static inline void
put_many (uint64_t from, uint64_t to, uint64_t world)
{
  for (; from < to; ++from)
    put (from, world);
}

static inline void
check_pages_below (uint64_t end, uint64_t step)
{
  unsigned char want[PAGE], got[PAGE];
  uint64_t n;

  for (n = 0; n < end; n += step) {
    CHECK (zram_pread (d, got, PAGE, n * PAGE) == 0);
    memset (want, 0, PAGE);
    if (of_world[n])
      world_page (want, PAGE, of_world[n], seed_of[n]);
    CHECK (memcmp (got, want, PAGE) == 0);
  }
  disk_recount (d);
}

static inline void
check_pages (uint64_t step)
{
  check_pages_below (zram_size (d) / PAGE, step);
}

static inline bool
step (void)
{
  return dictionary_job_step (&d->dictionary_job);
}

static inline bool
says (const char *text)
{
  return strstr (zram_dictionary_says (d), text) != NULL;
}

static inline void
set_algorithm (const char *algo, int level)
{
  char message[ZRAM_MESSAGE_MAX] = "";

  if (zram_set_algorithm (d, algo, level != 0, level, message) < 0)
    fail ("%s:%d: %s", algo, level, message);
}

static inline struct dictionary *
in_use (void)
{
  return d->codings.coding[d->codings.now].dictionary;
}

#endif /* WORLD_DISK_H */
