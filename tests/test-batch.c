/* nbdkit-zram: requests of many pages are published in batches.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The linker counts how often a lock is tried.  Batches must not be seen
 * from outside: each page is what was written, the pages before one that
 * fails are new and those after it old, and a turn is waited for.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define LEAF 64u

extern int __real_pthread_mutex_trylock (pthread_mutex_t *);
extern int __wrap_pthread_mutex_trylock (pthread_mutex_t *);
static _Atomic unsigned tried;

int
__wrap_pthread_mutex_trylock (pthread_mutex_t *m)
{
  tried++;
  return __real_pthread_mutex_trylock (m);
}

/* Pages of every kind, of another noise each. */
static void
fill (unsigned char *buf, unsigned n, size_t page, uint64_t seed)
{
  unsigned i;

  for (i = 0; i < n; ++i, buf += page)
    switch ((seed + i) % 7) {
    case 0: memset (buf, 0, page); break;
    case 1: page_same (buf, page, seed + i); break;
    case 2: page_make (buf, page, page, seed + i); break;
    default: page_make (buf, page, page / 8 * ((seed + i) % 7), seed + i);
    }
}

/* Every length, from every place of a leaf on. */
static void
test_lengths (size_t page)
{
  struct zram_params p = { .size = 200 * MiB, .page_size = (uint32_t) page };
  struct zram_disk *d = disk_open (&p);
  unsigned char *buf = malloc (40 * page), *got = malloc (40 * page);
  unsigned n, i;

  CHECK (buf && got);
  for (n = 1; n <= 40; n += n < 20 ? 1 : 5)
    for (i = 0; i < LEAF; i += 9) {
      fill (buf, n, page, n * LEAF + i);
      CHECK (zram_pwrite (d, buf, n * page, (LEAF + i) * page) == 0);
      CHECK (zram_pread (d, got, n * page, (LEAF + i) * page) == 0);
      CHECK (memcmp (buf, got, n * page) == 0);
    }
  disk_recount (d);
  CHECK (disk_stats (d).corrupt == 0);
  free (buf);
  free (got);
  zram_close (d);
}

/* Sixteen small pages: one workspace, one look ahead, one publishing. */
static void
test_locks (void)
{
  struct zram_params p = { .size = 8 * MiB };
  struct zram_disk *d = disk_open (&p);
  static unsigned char buf[16 * 4096];
  unsigned i;

  for (i = 0; i < 16; ++i)
    page_make (buf + i * 4096, 4096, 1000, i);
  tried = 0;
  CHECK (zram_pwrite (d, buf, sizeof buf, 0) == 0);
  printf ("16 pages: %u locks\n", tried);
  CHECK (tried <= 4);

  /* Noise is copied under the lock: not all of it at once. */
  for (i = 0; i < 16; ++i)
    page_make (buf + i * 4096, 4096, 4096, i);
  tried = 0;
  CHECK (zram_pwrite (d, buf, sizeof buf, 0) == 0);
  printf ("16 raw pages: %u locks\n", tried);
  CHECK (tried <= 5 && tried >= 4);
  zram_close (d);
}

/* At the limit, in the middle of a batch. */
static void
test_limit (void)
{
  struct zram_params p = { .size = 16 * MiB, .mem_limit = 3 * MiB };
  struct zram_disk *d = disk_open (&p);
  static unsigned char old[16 * 4096], new[16 * 4096], got[16 * 4096];
  uint64_t at = 0;
  unsigned i;
  int r;

  do {
    for (i = 0; i < 16; ++i) {
      page_make (old + i * 4096, 4096, 64, i);
      page_make (new + i * 4096, 4096, 3000, at + i);
    }
    CHECK (at + sizeof new <= p.size);
    r = zram_pwrite (d, old, sizeof old, at);
    if (r == 0)
      r = zram_pwrite (d, new, sizeof new, at);
    at += sizeof new;
  } while (r == 0);
  CHECK (r == -ENOSPC);
  at -= sizeof new;
  CHECK (zram_pread (d, got, sizeof got, at) == 0);
  for (i = 0; i < 16 && memcmp (got + i * 4096, new + i * 4096, 4096) == 0; )
    ++i;
  printf ("at the limit: %u pages of 16 are new\n", i);
  CHECK (i < 16);
  for (; i < 16; ++i)
    CHECK (memcmp (got + i * 4096, old + i * 4096, 4096) == 0 ||
           is_zero (got + i * 4096, 4096));
  disk_recount (d);
  CHECK (disk_stats (d).mem_used_max <= p.mem_limit);
  zram_close (d);
}

/* Somebody has a turn on the page in the middle. */

static struct zram_disk *turned;
static unsigned char with_turn[8 * 4096];

static void *
write_eight (void *arg)
{
  (void) arg;
  CHECK (zram_pwrite (turned, with_turn, sizeof with_turn, 0) == 0);
  return NULL;
}

static bool
is_new (unsigned page)
{
  unsigned char got[4096];

  CHECK (zram_pread (turned, got, 4096, page * 4096) == 0);
  return memcmp (got, with_turn + page * 4096, 4096) == 0;
}

static bool
somebody_waits (struct claims *c)
{
  struct shard *s = &turned->shards[0];
  bool waits;

  shard_lock (s);
  waits = c->queue && c->queue->next;
  shard_unlock (s);
  return waits;
}

static void
test_turn (void)
{
  struct zram_params p = { .size = MiB };
  struct claims *c;
  struct turn turn;
  pthread_t t;
  unsigned i;

  turned = disk_open (&p);
  c = &turned->shards[0].claims;
  for (i = 0; i < 8; ++i)
    page_make (with_turn + i * 4096, 4096, 700, 1 + i);
  shard_lock (&turned->shards[0]);
  turn_take (c, &turn, 4, &turned->shards[0].lock);
  shard_unlock (&turned->shards[0]);
  CHECK (pthread_create (&t, NULL, write_eight, NULL) == 0);
  while (!somebody_waits (c))
    sched_yield ();
  CHECK (is_new (3) && !is_new (4) && !is_new (5));
  shard_lock (&turned->shards[0]);
  turn_end (c, &turn);
  shard_unlock (&turned->shards[0]);
  CHECK (pthread_join (t, NULL) == 0);
  for (i = 0; i < 8; ++i)
    CHECK (is_new (i));
  CHECK (!c->queue);
  disk_recount (turned);
  zram_close (turned);
}

int
main (void)
{
  size_t page;

  for (page = 4096; page <= 65536; page *= 2)
    test_lengths (page);
  test_locks ();
  test_limit ();
  test_turn ();
  return 0;
}
