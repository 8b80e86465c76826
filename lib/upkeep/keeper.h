/* nbdkit-zram: the keeper: upkeep while nobody writes.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_KEEPER_H
#define ZRAM_KEEPER_H

#include <stdint.h>

#include "parts.h"
#include "worker.h"

struct keeper {
  const struct parts *parts;
  struct worker worker;
  uint64_t seen[SHARDS_MAX];    /* a shard's changes at the last look */
  uint64_t kept[SHARDS_MAX];    /* and when it was last tidied */
};

extern void keeper_init (struct keeper *k, const struct parts *parts);
extern void keeper_destroy (struct keeper *k);

/* Start and stop its thread.  -errno. */
extern int keeper_start (struct keeper *k);
extern void keeper_stop (struct keeper *k);

/* Compact until no segment can be freed.  Runs beside I/O. */
extern void keeper_compact (const struct parts *parts);

#endif /* ZRAM_KEEPER_H */
