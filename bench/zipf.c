/* nbdkit-zram: random numbers of which a few come often.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <math.h>
#include <stdlib.h>

#include "support.h"
#include "zipf.h"

/* A prime, so that it permutes what there is fewer of. */
#define SCATTER UINT64_C (4294967291)

static double *upto;            /* probability of this rank and those before */
static uint64_t ranks;

static void
zipf_prepare (uint64_t n)
{
  double sum = 0;
  uint64_t k;

  upto = malloc (n * sizeof *upto);
  if (!upto)
    die ("no memory for %lu blocks", (unsigned long) n);
  for (k = 0; k < n; ++k)
    upto[k] = sum += pow ((double) (k + 1), -ZIPF_EXPONENT);
  for (k = 0; k < n; ++k)
    upto[k] /= sum;
  ranks = n;
}

uint64_t
zipf_below (uint64_t *state, uint64_t n)
{
  uint64_t low = 0, high = n - 1, middle;
  double dice;

  if (ranks != n)
    zipf_prepare (n);
  dice = (double) random_below (state, UINT64_C (1) << 32) /
    (double) (UINT64_C (1) << 32);
  while (low < high) {
    middle = low + (high - low) / 2;
    if (upto[middle] <= dice)
      low = middle + 1;
    else
      high = middle;
  }
  return low * SCATTER % n;
}
