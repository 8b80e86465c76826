/* nbdzramctl: what happened between two looks at a device.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdlib.h>

#include "must.h"
#include "number.h"
#include "rates.h"
#include "timeout.h"

/* Get how much a counter grew.  False: it is not known. */
static bool
span_growth (const struct span *span, const char *path, uint64_t *n)
{
  uint64_t now, before;

  if (!span->before || !device_number (span->before, path, &before) ||
      !device_number (span->now, path, &now) || now < before)
    return false;
  *n = now - before;
  return true;
}

uint64_t
span_rate (const struct span *span, const char *path)
{
  uint64_t n;

  if (!span->ns || !span_growth (span, path, &n))
    return RATE_UNKNOWN;
  return (uint64_t) ((__uint128_t) n * SECOND / span->ns);
}

static bool
span_operation_growth (const struct span *span, const struct operation *op,
                       const char *member, uint64_t *n)
{
  FREED char *path = must_printf ("latency.%s.%s", op->name, member);

  return span_growth (span, path, n);
}

uint64_t
span_mean (const struct span *span, const struct operation *op)
{
  uint64_t n, ns;

  if (!span_operation_growth (span, op, "count", &n) || !n ||
      !span_operation_growth (span, op, "sum_ns", &ns))
    return RATE_UNKNOWN;
  return ns / n;
}

/* --- Histograms --------------------------------------------------------- */

/* More than a server has.  Others are ignored. */
#define BUCKETS_MAX 256

struct histogram {
  unsigned n;
  struct bucket {
    uint64_t bound, count;
  } bucket[BUCKETS_MAX];
};

static void
histogram_add (void *opaque, const char *key, uint64_t count)
{
  struct histogram *h = opaque;
  uint64_t bound;

  if (h->n < BUCKETS_MAX && number_count (key, 0, &bound) == 0)
    h->bucket[h->n++] = (struct bucket) { bound, count };
}

static int
histogram_order (const void *a, const void *b)
{
  const struct bucket *x = a, *y = b;

  return (x->bound > y->bound) - (x->bound < y->bound);
}

static void
histogram_read (device *d, const struct operation *op, struct histogram *h)
{
  FREED char *path = must_printf ("latency.%s.buckets", op->name);

  h->n = 0;
  device_each_number (d, path, histogram_add, h);
  qsort (h->bucket, h->n, sizeof h->bucket[0], histogram_order);
}

/* Subtract the counts of b from those of a.  Return the sum of what is left.
 */
static uint64_t
histogram_subtract (struct histogram *a, const struct histogram *b)
{
  uint64_t sum = 0;
  unsigned i;

  for (i = 0; i < a->n; i++) {
    const struct bucket *same = bsearch (&a->bucket[i], b->bucket, b->n,
                                         sizeof b->bucket[0], histogram_order);
    uint64_t *count = &a->bucket[i].count;

    if (same)
      *count -= same->count < *count ? same->count : *count;
    sum += *count;
  }
  return sum;
}

uint64_t
span_quantile (const struct span *span, const struct operation *op,
               unsigned thousandths)
{
  struct histogram now, before;
  uint64_t sum, n, seen = 0;
  unsigned i;

  /* The histogram is read after the count: it can have more requests, never
   * fewer.
   */
  if (!span_operation_growth (span, op, "count", &n) || !n)
    return RATE_UNKNOWN;
  histogram_read (span->now, op, &now);
  histogram_read (span->before, op, &before);
  sum = histogram_subtract (&now, &before);
  for (i = 0; i < now.n && sum; i++) {
    seen += now.bucket[i].count;
    if ((__uint128_t) seen * 1000 >= (__uint128_t) sum * thousandths)
      return now.bucket[i].bound;
  }
  return RATE_UNKNOWN;
}
