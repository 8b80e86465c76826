/* nbdkit-zram: the statistics of all devices, for machines.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_METRICS_H
#define ZRAM_METRICS_H

#include <stdbool.h>

#include "strbuf.h"

/* Do requests of one connection run in parallel?  The server says so before
 * it serves.
 */
extern bool stats_parallel;

/* {"version":"0.1","boot":"...","parallel":BOOL,"devices":[...]} and a
 * newline.
 */
extern int stats_json (struct strbuf *text);

/* The text format of Prometheus. */
extern int stats_metrics (struct strbuf *text);

/* What both need at most for each device, and for none. */
#define STATS_TEXT_MAX 20480

#endif /* ZRAM_METRICS_H */
