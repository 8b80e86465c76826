/* nbdkit-zram: texts about all devices together.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stddef.h>
#include <string.h>

#include "json.h"
#include "metrics.h"
#include "report.h"

static const struct report reports[REPORTS] = {
  [REPORT_JSON] = { "stats.json", "statistics of all devices, as JSON",
                    json_devices },
  [REPORT_METRICS] = { "metrics", "statistics of all devices, for Prometheus",
                       metrics_devices },
};

const struct report *
report_get (unsigned n)
{
  return n < REPORTS ? &reports[n] : NULL;
}

const struct report *
report_find (const char *name)
{
  unsigned i;

  for (i = 0; i < REPORTS; i++)
    if (strcmp (reports[i].name, name) == 0)
      return &reports[i];
  return NULL;
}
