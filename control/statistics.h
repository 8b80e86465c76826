/* nbdkit-zram: the table of statistics.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One row for each number of struct zram_stats says what it is and where it
 * is shown.  stats.json, metrics, mm_stat, io_stat and the attributes that
 * show one number are all printed from these rows.  A new statistic needs one
 * row.
 */

#ifndef ZRAM_STATISTICS_H
#define ZRAM_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zram.h"

/* The texts that show some of the statistics, each in its own order.
 * stats.json shows all, in the order of the table.
 */
enum statistic_text {
  STATISTIC_METRICS, STATISTIC_MM_STAT, STATISTIC_IO_STAT, STATISTIC_TEXTS
};

enum statistic_kind { STATISTIC_GAUGE, STATISTIC_COUNTER };

struct statistic {
  const char *key;              /* in stats.json */
  size_t offset;                /* in struct zram_stats, a uint64_t */
  const char *unit;             /* plural; NULL: none */
  enum statistic_kind kind;     /* a counter starts at 0 and only grows */
  bool of_memory;               /* in the object "memory" of stats.json */

  /* The metric is called nbdkit_zram_METRIC_UNIT, with _total at the end if
   * it is a counter.  NULL: there is no metric.
   */
  const char *metric;
  const char *label;            /* tells metrics of one name apart, or NULL */
  const char *help;             /* one sentence; NULL: an earlier row of the
                                   same name has it */

  const char *attr;             /* the attribute that shows this alone */

  /* Its place in each text, from 1 on; 0: it is not there. */
  unsigned char place[STATISTIC_TEXTS];
};

/* Return row n in the order of stats.json; NULL past the last. */
extern const struct statistic *statistic_get (unsigned n);

/* Return the statistic at a place of a text, from 1 on; NULL if there is
 * none.
 */
extern const struct statistic *statistic_at (enum statistic_text text,
                                             unsigned place);

/* Return the statistic that an attribute shows; NULL if it shows something
 * else.
 */
extern const struct statistic *statistic_of_attr (const char *attr);

/* Return the value of a statistic. */
extern uint64_t statistic_value (const struct statistic *statistic,
                                 const struct zram_stats *stats);

/* Write the name of a statistic's metric to name, without nbdkit_zram_. */
#define STATISTIC_NAME_MAX 64
extern void statistic_metric (const struct statistic *statistic,
                              char name[STATISTIC_NAME_MAX]);

/* Return the name of an operation whose latency is counted. */
extern const char *statistic_op (enum zram_op op);

/* True if the requests of one connection are served in parallel.  The server
 * sets it before it serves.
 */
extern bool statistics_parallel;

#endif /* ZRAM_STATISTICS_H */
