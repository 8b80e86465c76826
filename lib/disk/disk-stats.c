/* nbdkit-zram: statistics.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Nothing here takes a lock: statistics never wait for anything, and
 * nothing waits for them.  So each counter is read once, and what others
 * subtract from another is never more than that: pages of a kind come and
 * go a moment apart from their sum.
 */

#include <config.h>

#include <string.h>

#include "disk.h"

static void
stats_add_shard (const struct zram_disk *d, const struct shard *s,
                 struct zram_stats *st)
{
  const struct store_counters *n = &s->n.store;
  uint64_t page = d->layout.page;
  uint64_t stored = counter_get (&s->n.stored);
  uint64_t zero = counter_get (&s->n.zero);
  uint64_t late = counter_get (&s->n.late);
  uint64_t raw = counter_get (&n->raw);
  uint64_t same = zero + counter_get (&n->arena.fills);
  uint64_t kinds = same + raw;
  unsigned i;

  st->zero_pages += zero;
  st->same_pages += same;
  st->huge_pages += raw > late ? raw - late : 0;
  st->late_pages += late;
  st->late_hits += counter_get (&s->n.late_hits);
  st->late_saved += counter_get (&s->n.late_saved);
  st->huge_pages_since += counter_get (&n->raw_since);
  st->split_pages += counter_get (&n->arena.splits);
  st->compr_data_size += raw * page;
  st->incompressible_pages += counter_get (&s->n.marked[MARK_INCOMPRESSIBLE]);
  for (i = 0; i < CODINGS_MAX; ++i) {
    unsigned codec = d->codings.coding[i].id;
    uint64_t bytes = counter_get (&n->arena.coding[i].bytes);
    uint64_t pages = counter_get (&n->arena.coding[i].pages);

    st->codec[codec].pages += pages;
    st->codec[codec].bytes += bytes;
    st->coding[i].pages += pages;
    st->coding[i].bytes += bytes;
    st->compr_data_size += bytes;
    kinds += pages;
  }
  st->pages_stored += stored > kinds ? stored : kinds;
  st->mem_directories += counter_get (&n->arena.entries) * DIRENT_BYTES;
  st->mem_free += counter_get (&n->arena.room) << d->layout.granule_shift;
  st->notify_free += counter_get (&s->n.freed);
  st->pages_compacted += counter_get (&n->arena.emptied);
  st->objects_moved += counter_get (&n->arena.moved);
  st->bytes_moved += counter_get (&n->arena.moved_bytes);
}

/* What the codings are that have pages, and how recompression fares. */
static void
stats_add_recompression (const struct zram_disk *d, struct zram_stats *st)
{
  const struct recompressor *r = &d->recompressor;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i) {
    const struct coding *coding = &d->codings.coding[i];
    struct zram_coding *shown = &st->coding[i];

    if (!shown->pages && !shown->bytes)
      continue;
    shown->codec = coding->id;
    shown->level = coding->level;
    shown->priority = coding->priority;
    shown->dictionary = coding->has_dictionary;
    if (shown->priority)
      st->recompressed_pages += shown->pages;
  }
  st->recompress_tried = r->tried;
  st->recompress_done = r->done;
  st->recompress_gained = r->gained;
  st->recompress_found = r->found;
  st->recompress_handled = r->handled;
  if (st->recompress_handled > st->recompress_found)
    st->recompress_handled = st->recompress_found;
}

/* What is held of a kind, and what of it is ready. */
static void
stats_add_kind (const struct account *a, enum account_kind kind,
                uint64_t *held,
                uint64_t *ready, struct zram_stats *st)
{
  *held = atomic_load (&a->kind[kind]);
  if (ready) {
    *ready = atomic_load (&a->ready[kind]);
    st->mem_ready += *ready;
  }
}

static void
stats_add_upkeep (const struct upkeep *u, struct zram_stats *st)
{
  st->upkeep_rounds = counter_get (&u->n.rounds);
  st->upkeep_tried = counter_get (&u->n.tried);
  st->upkeep_idle_pages = counter_get (&u->n.done[0]);
  st->upkeep_cold_pages = counter_get (&u->n.done[1]);
  st->upkeep_gained = counter_get (&u->n.gained);
  st->upkeep_cpu_ms = counter_get (&u->n.cpu_ns) / 1000000;
}

unsigned
zram_streams (const struct zram_disk *d)
{
  return d->workspaces.max;
}

void
zram_reset_peak (struct zram_disk *d)
{
  atomic_store (&d->account.peak, atomic_load (&d->account.held));
}

void
zram_stats (const struct zram_disk *d, struct zram_stats *st)
{
  const struct account *a = &d->account;
  const struct {
    enum stat stat;
    uint64_t *to;
  } operations[] = {
    { STAT_READS, &st->reads }, { STAT_WRITES, &st->writes },
    { STAT_READ_BYTES, &st->read_bytes },
    { STAT_WRITE_BYTES, &st->write_bytes },
    { STAT_ZEROES, &st->zeroes }, { STAT_TRIMS, &st->trims },
    { STAT_FAILED_READS, &st->failed_reads },
    { STAT_FAILED_WRITES, &st->failed_writes },
    { STAT_CORRUPT, &st->corrupt },
    { STAT_MERGES_RETRIED, &st->merges_retried },
  };
  const struct {
    enum account_kind kind;
    uint64_t *to, *ready;
  } memory[] = {
    { ACCOUNT_SEGMENTS, &st->mem_segments, &st->mem_ready_segments },
    { ACCOUNT_RAW, &st->mem_raw, &st->mem_ready_raw },
    { ACCOUNT_TABLE, &st->mem_table, &st->mem_ready_table },
    { ACCOUNT_CODECS, &st->mem_codecs, NULL },
    { ACCOUNT_OTHER, &st->mem_other, NULL },
  };
  size_t i;
  int gain;

  memset (st, 0, sizeof *st);
  for (i = 0; i < shard_count (d); ++i)
    stats_add_shard (d, &d->shards[i], st);
  stats_add_recompression (d, st);
  st->orig_data_size = st->pages_stored * d->layout.page;
  for (i = 0; i < sizeof operations / sizeof operations[0]; ++i)
    *operations[i].to = stats_get (&d->stats, operations[i].stat);
  for (i = 0; i < sizeof memory / sizeof memory[0]; ++i)
    stats_add_kind (a, memory[i].kind, memory[i].to, memory[i].ready, st);
  st->mem_used_total = atomic_load (&a->held);
  st->mem_used_max = atomic_load (&a->peak);
  st->mem_limit = atomic_load (&a->limit);
  st->dictionaries = atomic_load (&d->codings.dictionaries);
  st->dictionary_bytes = atomic_load (&d->codings.dictionary_bytes);
  st->dictionary_trainings = atomic_load (&d->dictionary_job.trainings);
  gain = atomic_load (&d->dictionary_job.gain);
  st->dictionary_gain = gain > 0 ? (uint64_t) gain : 0;
  st->reserve_misses = atomic_load (&a->misses);
  stats_add_upkeep (&d->upkeep, st);
}
