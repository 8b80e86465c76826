/* nbdkit-zram: the statistics of all devices, for Prometheus.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_METRICS_H
#define ZRAM_METRICS_H

#include "strbuf.h"

/* Add all metrics in the text format of Prometheus.  Return 0, or the error
 * that is in the text.
 */
extern int metrics_devices (struct strbuf *text);

#endif /* ZRAM_METRICS_H */
