/* nbdkit-zram: invariants, checked in builds for tests.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * doc/ARCHITECTURE.md explains them.  ./configure --enable-checks=cheap
 * compiles in the checks that cost almost nothing, =full all of them, and
 * every build with a sanitizer has all of them.  A release contains none, so
 * no client can make one fail.
 *
 *   I1  the objects of a segment lie one after another, from its start to
 *       its directory, in the order of the directory
 *   I2  a segment's used, count, tail and gap agree with its directory
 *   I3  for each slot, a segment has at most one tail, and at most one
 *       object that is not a tail
 *   I4  a segment in use is on the list for its room, unless it is the
 *       victim; the spare is on no list, and holds nothing
 *   I5  a unit of a pool is handed out, or free, or its block is away or
 *       was never used
 *   I6  an entry of the table that is set is in a leaf, and each node that
 *       the table leads to is one that the pool has handed out
 *   I7  while a page is being published, the old and the new page both
 *       exist, and the table leads to one of them; or the new page lies in
 *       the place of the old one
 *   I8  a claim is on the list of its shard from when it is taken until it
 *       is dropped, and a turn is on the queue until it ends
 */

#ifndef ZRAM_INVARIANT_H
#define ZRAM_INVARIANT_H

#include <stdbool.h>

#if ZRAM_CHECKS
/* Print which invariant is broken, and abort. */
extern void invariant_fails (const char *which, const char *condition,
                             const char *file, int line)
  __attribute__ ((noreturn, cold));

/* Return true once in this many calls: for a check that costs too much to run
 * each time.
 */
extern bool invariant_due (unsigned calls);
#endif

/* Check a condition, as in CHEAP (I5, condition).  Use FULL if the check
 * takes longer than the work that it checks.  A build without the check
 * still compiles the condition, but does not evaluate it.
 */
#define INVARIANT(which, condition)                                     \
  ((condition) ? (void) 0                                               \
   : invariant_fails (#which, #condition, __FILE__, __LINE__))
#define INVARIANT_LEFT_OUT(condition) ((void) sizeof (condition))

#if ZRAM_CHECKS >= 1
#define CHEAP(which, condition) INVARIANT (which, condition)
#else
#define CHEAP(which, condition) INVARIANT_LEFT_OUT (condition)
#endif

#if ZRAM_CHECKS >= 2
#define FULL(which, condition) INVARIANT (which, condition)
#define FULL_NOW_AND_THEN(which, condition)                     \
  INVARIANT (which, !invariant_due (64) || (condition))
#else
#define FULL(which, condition) INVARIANT_LEFT_OUT (condition)
#define FULL_NOW_AND_THEN(which, condition) INVARIANT_LEFT_OUT (condition)
#endif

#endif /* ZRAM_INVARIANT_H */
