/* nbdkit-zram: what the tests of disks share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef DISKLIB_H
#define DISKLIB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "disk.h"
#include "testlib.h"

/* The sanitizers hold memory and time of their own. */
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static inline struct zram_disk *
disk_open (const struct zram_params *params)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_disk *d = NULL;

  if (zram_open (params, &d, message) < 0)
    fail ("open: %s", message);
  return d;
}

static inline void
disk_recount (struct zram_disk *d)
{
  char message[ZRAM_MESSAGE_MAX] = "";

  if (zram_recount (d, message) < 0)
    fail ("recount: %s", message);
}

static inline struct zram_stats
disk_stats (const struct zram_disk *d)
{
  struct zram_stats st;

  zram_stats (d, &st);
  return st;
}

/* What every codec makes about `noise' bytes of: so much noise, from the
 * seed, and then the seed again and again.
 */
static inline void
page_make (unsigned char *page, size_t len, size_t noise, uint64_t seed)
{
  uint64_t rng = seed, word;
  size_t i, n;

  for (i = 0; i < len; i += n) {
    word = i < noise ? rng_next (&rng) : seed | 1;
    n = len - i < sizeof word ? len - i : sizeof word;
    memcpy (page + i, &word, n);
  }
}

/* One word all over. */
static inline void
page_same (unsigned char *page, size_t len, uint64_t word)
{
  size_t i, n;

  for (i = 0; i < len; i += n) {
    n = len - i < sizeof word ? len - i : sizeof word;
    memcpy (page + i, &word, n);
  }
}

/* Words in some order: a better level makes more of it. */
static inline void
page_words (unsigned char *page, size_t len, uint64_t seed)
{
  static const char *const words[] = {
    "table ", "of ", "the ", "segment ", "which ", "shard ", "is ", "not ",
    "directory ", "entry ", "and ", "a ", "page ", "claim ", "who ", "coding ",
  };
  const char *w;
  size_t i = 0;

  while (i < len)
    for (w = words[rng_next (&seed) % 16]; *w && i < len; ++w)
      page[i++] = (unsigned char) *w;
}

/* Bytes of a shard's compressed objects, of all codings. */
static inline uint64_t
object_bytes (const struct shard *s)
{
  uint64_t n = 0;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    n += counter_get (&s->n.store.arena.coding[i].bytes);
  return n;
}

/* Processor time of the process, in ms. */
static inline uint64_t
cpu_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

#endif /* DISKLIB_H */
