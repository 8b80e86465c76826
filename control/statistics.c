/* nbdkit-zram: the table of statistics.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "statistics.h"

bool statistics_parallel;

/* Which field a row shows.  The key is its name; for memory without "mem_". */
#define FIELD(field)                                                    \
  .key = #field, .offset = offsetof (struct zram_stats, field)
#define MEMORY(field)                                                   \
  .key = #field, .offset = offsetof (struct zram_stats, mem_##field),   \
  .unit = "bytes", .of_memory = true
#define BYTES .unit = "bytes"
#define PAGES .unit = "pages"
#define COUNTER .kind = STATISTIC_COUNTER

/* Its place in the texts that show some of the rows. */
#define METRIC(number) .place[STATISTIC_METRICS] = number
#define MM(column) .place[STATISTIC_MM_STAT] = column
#define IO(column) .place[STATISTIC_IO_STAT] = column

static const struct statistic table[] = {
  { FIELD (mem_limit), BYTES, METRIC (6), MM (4), .attr = "mem_limit",
    .metric = "memory_limit",
    .help = "Most memory to hold; 0: no limit." },
  { FIELD (mem_used_total), BYTES, METRIC (4), MM (3),
    .attr = "mem_used_total",
    .metric = "memory_used", .help = "Memory held." },
  { FIELD (mem_used_max), BYTES, METRIC (5), MM (5), .attr = "mem_used_max",
    .metric = "memory_used_max", .help = "Most memory held so far." },
  { FIELD (orig_data_size), BYTES, METRIC (2), MM (1),
    .attr = "orig_data_size",
    .metric = "orig", .help = "Data stored, uncompressed." },
  { FIELD (compr_data_size), BYTES, METRIC (3), MM (2),
    .attr = "compr_data_size",
    .metric = "compressed", .help = "Data stored, compressed." },
  { FIELD (pages_stored), PAGES, METRIC (1),
    .metric = "", .help = "Pages stored." },
  { FIELD (same_pages), PAGES, METRIC (15), MM (6),
    .metric = "same", .help = "Pages of one repeated word." },
  { FIELD (zero_pages), PAGES, METRIC (16), .attr = "zero_pages",
    .metric = "zero", .help = "Pages of zeroes; a part of the same pages." },
  { FIELD (huge_pages), PAGES, METRIC (17), MM (8),
    .metric = "huge", .help = "Pages that do not compress, kept as they are." },
  { FIELD (huge_pages_since), PAGES, COUNTER, METRIC (19), MM (9),
    .metric = "huge", .help = "Pages ever written that did not compress." },
  { FIELD (split_pages), PAGES, METRIC (18),
    .metric = "split", .help = "Pages kept in two pieces." },
  { FIELD (pages_compacted), .unit = "segments", COUNTER, METRIC (32), MM (7),
    .metric = "compacted", .help = "Segments given back by compaction." },
  { FIELD (objects_moved), .unit = "objects", COUNTER, METRIC (33),
    .metric = "compaction_moved", .help = "Objects moved by compaction." },
  { FIELD (bytes_moved), BYTES, COUNTER, METRIC (34),
    .metric = "compaction_moved", .help = "Bytes moved by compaction." },
  { FIELD (recompressed_pages), PAGES, METRIC (35),
    .metric = "recompressed", .help = "Pages that are recompressed." },
  { FIELD (incompressible_pages), PAGES, METRIC (39),
    .metric = "incompressible",
    .help = "Pages that recompression could not make smaller." },
  { FIELD (recompress_tried), PAGES, COUNTER, METRIC (42),
    .metric = "recompress_tried", .help = "Pages tried by recompression." },
  { FIELD (recompress_done), PAGES, COUNTER, METRIC (44),
    .metric = "recompress_done",
    .help = "Pages made smaller by recompression." },
  { FIELD (recompress_gained), BYTES, COUNTER, METRIC (46),
    .metric = "recompress_gained", .help = "Bytes gained by recompression." },
  { FIELD (recompress_found), PAGES },
  { FIELD (recompress_handled), PAGES },
  { FIELD (reads), COUNTER, METRIC (20), .attr = "num_reads",
    .metric = "reads", .help = "Read requests." },
  { FIELD (writes), COUNTER, METRIC (21), .attr = "num_writes",
    .metric = "writes", .help = "Write requests." },
  { FIELD (read_bytes), BYTES, COUNTER, METRIC (24),
    .metric = "read", .help = "Bytes read." },
  { FIELD (write_bytes), BYTES, COUNTER, METRIC (25),
    .metric = "write", .help = "Bytes written." },
  { FIELD (zeroes), COUNTER, METRIC (22),
    .metric = "zeroes", .help = "Write-zeroes requests." },
  { FIELD (trims), COUNTER, METRIC (23),
    .metric = "trims", .help = "Trim requests." },
  { FIELD (notify_free), PAGES, COUNTER, METRIC (26), IO (4),
    .attr = "notify_free",
    .metric = "trimmed", .help = "Pages freed by trimming." },
  { FIELD (failed_reads), COUNTER, METRIC (27), IO (1),
    .attr = "failed_reads",
    .metric = "failed_reads", .help = "Read requests that failed." },
  { FIELD (failed_writes), COUNTER, METRIC (28), IO (2),
    .attr = "failed_writes",
    .metric = "failed_writes", .help = "Write requests that failed." },
  { FIELD (corrupt), COUNTER, METRIC (29),
    .metric = "corrupt", .help = "Pages that could not be decompressed." },
  { FIELD (merges_retried), COUNTER, METRIC (30),
    .metric = "merges_retried",
    .help = "Partial writes that were repeated after another write." },
  { FIELD (reserve_misses), COUNTER, METRIC (31),
    .metric = "reserve_misses",
    .help = "Times that a write found the reserve used up." },
  { FIELD (dictionaries), METRIC (37),
    .metric = "dictionaries", .help = "Dictionaries in use." },
  { FIELD (dictionary_bytes), BYTES, METRIC (41),
    .metric = "dictionary", .help = "Memory that dictionaries hold." },
  { FIELD (dictionary_trainings), COUNTER, METRIC (43),
    .metric = "dictionary_trainings", .help = "Dictionaries ever trained." },
  { FIELD (dictionary_gain), METRIC (45),
    .metric = "dictionary_gain_per_mille",
    .help = "What the last one tried saved, in thousandths." },
  { FIELD (late_pages), PAGES, METRIC (36),
    .metric = "late", .help = "Pages that wait to be compressed." },
  { FIELD (late_hits), PAGES, COUNTER, METRIC (38),
    .metric = "late_hits", .help = "Pages written again before they were"
    " compressed." },
  { FIELD (late_saved), PAGES, COUNTER, METRIC (40),
    .metric = "late_saved", .help = "Compressions saved: pages written again"
    " or trimmed before." },
  { FIELD (upkeep_rounds), .unit = "rounds", COUNTER, METRIC (47),
    .metric = "upkeep", .help = "Rounds of upkeep that tried pages." },
  { FIELD (upkeep_tried), PAGES, COUNTER, METRIC (48),
    .metric = "upkeep_tried", .help = "Pages that upkeep tried." },
  { FIELD (upkeep_idle_pages), PAGES, COUNTER, METRIC (49),
    .metric = "upkeep_idle", .help = "Idle pages that upkeep made smaller." },
  { FIELD (upkeep_cold_pages), PAGES, COUNTER, METRIC (50),
    .metric = "upkeep_cold", .help = "Cold pages that upkeep made smaller." },
  { FIELD (upkeep_gained), BYTES, COUNTER, METRIC (51),
    .metric = "upkeep_gained", .help = "Bytes that upkeep saved." },
  { FIELD (upkeep_cpu_ms), .unit = "milliseconds", COUNTER, METRIC (52),
    .metric = "upkeep_cpu", .help = "Processor time that upkeep used." },
  { MEMORY (segments), METRIC (7), .label = "kind=\"segments\"",
    .metric = "memory",
    .help = "Memory held, by kind; the kinds add up to all of it." },
  { MEMORY (directories), METRIC (13),
    .metric = "segment_directory",
    .help = "Directories; part of the memory of kind segments." },
  { MEMORY (free), METRIC (14),
    .metric = "segment_free",
    .help = "Free for objects; part of the memory of kind segments." },
  { MEMORY (raw), METRIC (8), .label = "kind=\"raw\"", .metric = "memory" },
  { MEMORY (table), METRIC (9), .label = "kind=\"table\"",
    .metric = "memory" },
  { MEMORY (codecs), METRIC (10), .label = "kind=\"codecs\"",
    .metric = "memory" },
  { MEMORY (other), METRIC (11), .label = "kind=\"other\"",
    .metric = "memory" },
  { MEMORY (ready), METRIC (12), .metric = "memory_ready",
    .help = "Empty and ready for the next writes; part of the memory of"
    " kinds segments, raw and table." },
  { MEMORY (ready_segments) },
  { MEMORY (ready_raw) },
  { MEMORY (ready_table) },
};
#define NSTATISTICS (sizeof table / sizeof table[0])

const struct statistic *
statistic_get (unsigned n)
{
  return n < NSTATISTICS ? &table[n] : NULL;
}

const struct statistic *
statistic_at (enum statistic_text text, unsigned place)
{
  size_t i;

  for (i = 0; i < NSTATISTICS; i++)
    if (table[i].place[text] == place)
      return place ? &table[i] : NULL;
  return NULL;
}

const struct statistic *
statistic_of_attr (const char *attr)
{
  size_t i;

  for (i = 0; i < NSTATISTICS; i++)
    if (table[i].attr && strcmp (table[i].attr, attr) == 0)
      return &table[i];
  return NULL;
}

uint64_t
statistic_value (const struct statistic *s, const struct zram_stats *st)
{
  uint64_t value;

  memcpy (&value, (const char *) st + s->offset, sizeof value);
  return value;
}

void
statistic_metric (const struct statistic *s, char name[STATISTIC_NAME_MAX])
{
  snprintf (name, STATISTIC_NAME_MAX, "%s%s%s%s", s->metric,
            s->unit && *s->metric ? "_" : "", s->unit ? s->unit : "",
            s->kind == STATISTIC_COUNTER ? "_total" : "");
}

const char *
statistic_op (enum zram_op op)
{
  static const char *const names[ZRAM_OPS] = {
    [ZRAM_OP_READ] = "read", [ZRAM_OP_WRITE] = "write",
    [ZRAM_OP_ZERO] = "zero", [ZRAM_OP_TRIM] = "trim",
  };

  return names[op];
}
