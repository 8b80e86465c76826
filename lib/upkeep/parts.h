/* nbdkit-zram: what upkeep works on: the parts of one disk.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Upkeep stands below the disk and must not know it: a disk fills this in
 * when it is made, and its parts outlive all upkeep.
 */

#ifndef ZRAM_PARTS_H
#define ZRAM_PARTS_H

#include <pthread.h>
#include <stddef.h>

#include "account.h"
#include "coding.h"
#include "layout.h"
#include "shard.h"
#include "workspace.h"

#define SHARDS_MAX 64

struct parts {
  const struct layout *layout;
  struct account *account;
  struct codings *codings;
  struct workspaces *workspaces;
  struct shard *shards;
  unsigned nshards;             /* 1 to SHARDS_MAX */
  pthread_mutex_t *change;      /* held while codec or size change */
  void *counted;                /* what requests write besides: statistics */
  size_t counted_bytes;
};

/* What the disk holds, counted without a lock. */
struct holdings {
  uint64_t objects, bytes;      /* compressed pages, and what they hold */
  uint64_t raw;                 /* pages */
  uint64_t changes;
};

static inline struct holdings
parts_holdings (const struct parts *p)
{
  struct holdings h = { 0 };
  unsigned i, k;

  for (i = 0; i < p->nshards; ++i) {
    const struct shard *s = &p->shards[i];
    const struct store_counters *n = &s->n.store;

    h.changes += counter_get (&s->changes);
    h.raw += counter_get (&n->raw);
    for (k = 0; k < CODINGS_MAX; ++k) {
      h.objects += counter_get (&n->arena.coding[k].pages);
      h.bytes += counter_get (&n->arena.coding[k].bytes);
    }
  }
  return h;
}

#endif /* ZRAM_PARTS_H */
