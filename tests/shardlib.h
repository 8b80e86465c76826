/* nbdkit-zram: what the tests of shards and of the store share.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A disk of one shard, and a model of what is in its slots.
 */

#ifndef SHARDLIB_H
#define SHARDLIB_H

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define PAGE 4096u
#define LARGE 3968u             /* four fill a segment, all but 448 bytes */
#define SLOTS 16384u

/* Kinds of pages, as a shard sees them. */
enum page { HOLE, ZERO, WORD, SMALL, MIDDLE, BIG, RAW, PAGES };
static const uint32_t length_of[PAGES] = {
  [WORD] = FILL_BYTES, [SMALL] = 50, [MIDDLE] = 2000, [BIG] = LARGE,
};

static struct zram_disk *disk;
static struct shard *s;
static unsigned char model[SLOTS];      /* enum page */
static uint64_t seed_of[SLOTS], next_seed;

/* What is handed to the shard for a page of this kind. */
static inline struct content
make (enum page page, uint64_t seed, unsigned char *buf)
{
  struct content c = { .type = CONTENT_HOLE, .page = buf };

  page_make (buf, PAGE, PAGE, seed);
  if (page == ZERO)
    c.type = CONTENT_ZERO;
  else if (page == RAW)
    c.type = CONTENT_RAW;
  else if (page != HOLE) {
    c.type = CONTENT_OBJECT;
    c.object = (struct object) { buf, length_of[page],
      page == WORD ? KIND_FILL : KIND_OBJECT, seed % 16 };
  }
  return c;
}

/* Fetched, it is what was published; or, where memory was short and the
 * old page was raw, the new page raw.
 */
static inline void
check_slot (uint64_t slot)
{
  static unsigned char want[PAGE], got[PAGE], raw[PAGE];
  struct content c;
  struct fetch f = {
    .buf = got, .raw = (char *) raw, .from = slot % 7 * 100,
    .n = 1 + slot % 1000,
  };

  CHECK (shard_fetch (s, slot, &f) == 0);
  if (model[slot] == HOLE) {
    CHECK (f.content.type == CONTENT_HOLE);
    return;
  }
  c = make (model[slot], seed_of[slot], want);
  if (f.content.type == CONTENT_RAW && c.type == CONTENT_OBJECT)
    model[slot] = RAW;
  else
    CHECK (f.content.type == c.type);
  if (f.content.type == CONTENT_RAW)
    CHECK (memcmp (raw, want + f.from, f.n) == 0);
  if (f.content.type != CONTENT_OBJECT)
    return;
  CHECK (f.content.object.data == got);
  CHECK (f.content.object.length == c.object.length);
  CHECK (f.content.object.kind == c.object.kind);
  CHECK (f.content.object.coding == c.object.coding);
  CHECK (memcmp (got, want, c.object.length) == 0);
}

static inline uint64_t
count_of (enum page from, enum page to)
{
  uint64_t i, n = 0;

  for (i = 0; i < SLOTS; ++i)
    n += model[i] >= from && model[i] <= to;
  return n;
}

static inline void
verify (void)
{
  uint64_t i;

  for (i = 0; i < SLOTS; ++i)
    check_slot (i);
  CHECK (counter_get (&s->n.stored) == SLOTS - count_of (HOLE, HOLE));
  CHECK (counter_get (&s->n.zero) == count_of (ZERO, ZERO));
  CHECK (counter_get (&s->n.store.raw) == count_of (RAW, RAW));
  CHECK (counter_get (&s->n.store.arena.fills) == count_of (WORD, WORD));
  disk_recount (disk);
}

static inline int
publish (uint64_t slot, enum page page)
{
  unsigned char buf[PAGE];
  uint64_t seed = ++next_seed;
  struct content c = make (page, seed, buf);
  struct claim here, beside;
  bool unbroken;
  int r;

  claim_take (&s->claims, &here, slot);
  claim_take (&s->claims, &beside, slot ^ 64);
  r = shard_publish (s, slot, &c);
  unbroken = claim_drop (&s->claims, &here);
  CHECK (claim_drop (&s->claims, &beside) && !s->claims.first);
  CHECK (r == 0 || r == -ENOSPC);
  if (r < 0) {
    CHECK (unbroken);
    check_slot (slot);
    return r;
  }
  CHECK (unbroken == (page == model[slot] && page <= ZERO));
  model[slot] = (unsigned char) page;
  seed_of[slot] = seed;
  check_slot (slot);
  return 0;
}

static inline void
start (void)
{
  struct zram_params p = { .size = (uint64_t) SLOTS * PAGE,
    .algo = zram_codec_info (0)->name };

  memset (model, HOLE, sizeof model);
  disk = disk_open (&p);
  CHECK (shard_count (disk) == 1);
  s = &disk->shards[0];
}

static inline void
finish (void)
{
  disk->account.limit = 0;
  verify ();
  zram_close (disk);
}

#endif /* SHARDLIB_H */
