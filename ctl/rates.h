/* nbdzramctl: what happened between two looks at a device.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef RATES_H
#define RATES_H

#include "device-operations.h"
#include "server-json.h"

struct span {
  device *now, *before;         /* before may be NULL: nothing is known */
  uint64_t ns;                  /* from one to the other */
};

/* There is nothing to compare with, or the counter has started again. */
#define RATE_UNKNOWN UINT64_MAX

/* Return how much a counter grew in a second. */
extern uint64_t span_rate (const struct span *span, const char *path);

/* Return the mean time of the span's requests, and the time that a part of
 * them, in thousandths, did not exceed, both in ns.  RATE_UNKNOWN: there were
 * none, or the server does not tell.
 */
extern uint64_t span_mean (const struct span *span,
                           const struct operation *op);
extern uint64_t span_quantile (const struct span *span,
                               const struct operation *op,
                               unsigned thousandths);

#endif /* RATES_H */
