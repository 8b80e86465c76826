/* nbdkit-zram: random numbers of which a few come often.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <stdint.h>

/* The exponent: what is written again and again on real disks is about
 * that skewed.
 */
#define ZIPF_EXPONENT 0.99

/* Return a number below n, always the same n: the one of rank k with a
 * probability in proportion to 1 / k^0.99.  Ranks are scattered.
 */
extern uint64_t zipf_below (uint64_t *state, uint64_t n);

#endif /* BENCH_ZIPF_H */
