/* nbdkit-zram: some pages of a disk, to learn from.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "page-code.h"
#include "sample.h"

/* Give up after so many tries for each page that is wanted. */
#define TRIES 8

/* One page in so many is for trying. */
#define TRY_SHARE 4

static uint64_t
sample_next (struct sample *s)
{
  s->rng ^= s->rng << 13;
  s->rng ^= s->rng >> 7;
  s->rng ^= s->rng << 17;
  return s->rng * UINT64_C (2685821657736338717);
}

static bool
sample_is_part (const struct sample *s, unsigned shard, uint64_t slot)
{
  uint64_t hash = (slot << 6 | shard) * UINT64_C (0x9e3779b97f4a7c15) >> 40;

  return s->part == SAMPLE_ANY ||
    (hash % TRY_SHARE == 0) == (s->part == SAMPLE_TRY);
}

static uint64_t
sample_entries (const struct sample *s, unsigned shard)
{
  return counter_get (&s->parts->shards[shard].n.store.arena.entries);
}

/* A shard, the likelier the more it holds. */
static unsigned
sample_shard (struct sample *s)
{
  uint64_t sum = 0, n;
  unsigned i;

  for (i = 0; i < s->parts->nshards; ++i)
    sum += sample_entries (s, i);
  n = sum ? sample_next (s) % sum : 0;
  for (i = 0; i + 1 < s->parts->nshards; ++i) {
    sum = sample_entries (s, i);
    if (n < sum)
      break;
    n -= sum;
  }
  return i;
}

/* Copy the object of a slot to the workspace, under the lock. */
static bool
sample_peek (const struct sample *s, unsigned shard, uint64_t slot,
             struct fetch *f)
{
  const struct shard *sh = &s->parts->shards[shard];

  return slot < sh->nslots && sample_is_part (s, shard, slot) &&
    (!s->wanted || s->wanted (sh, slot)) &&
    shard_peek (sh, slot, f) == 0 && f->content.type == CONTENT_OBJECT &&
    f->content.object.kind == KIND_OBJECT;
}

/* Choose a slot of a shard, under its lock. */
typedef bool choose_fn (const struct shard *s, uint64_t number,
                        uint64_t *slot);

static bool
sample_any (const struct shard *s, uint64_t random, uint64_t *slot)
{
  return store_pick (&s->store, random, slot);
}

static bool
sample_late (const struct shard *s, uint64_t number, uint64_t *slot)
{
  *slot = shard_recent (s, (unsigned) number);
  return true;
}

/* One try.  The workspace is held until the object is decoded, so that its
 * coding stays.
 */
static bool
sample_one (struct sample *s, unsigned shard, choose_fn *choose,
            uint64_t number, char *page)
{
  const struct parts *p = s->parts;
  struct shard *sh = &p->shards[shard];
  struct workspace *w = workspace_get (p->workspaces);
  struct fetch f = { .buf = w->in, .raw = page, .n = p->layout->page };
  uint64_t slot;
  bool found;

  shard_lock (sh);
  found = choose (sh, number, &slot) && sample_peek (s, shard, slot, &f);
  shard_unlock (sh);
  found = found &&
    page_decode (p->layout, p->codings, w, &f.content, page) == 0;
  workspace_put (w);
  return found;
}

unsigned
sample_random (struct sample *s, char *pages, unsigned max)
{
  unsigned n = 0, tries;

  for (tries = 0; n < max && tries < TRIES * max; ++tries)
    n += sample_one (s, sample_shard (s), sample_any, sample_next (s),
                     pages + (size_t) n * s->parts->layout->page);
  return n;
}

/* Each that is known is looked at once, those of all shards in turn. */
unsigned
sample_recent (struct sample *s, char *pages, unsigned max)
{
  unsigned nshards = s->parts->nshards, n = 0, i;
  uint64_t first = sample_next (s);

  for (i = 0; n < max && i < RECENT * nshards; ++i)
    n += sample_one (s, i % nshards, sample_late, first + i / nshards,
                     pages + (size_t) n * s->parts->layout->page);
  return n;
}
