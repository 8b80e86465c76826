/* nbdkit-zram: invariants, checked in builds for tests.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * doc/ARCHITECTURE.md explains them.  ./configure --enable-checks=cheap
 * compiles in those that cost next to nothing, =full all of them; every
 * build with a sanitizer has all.  A release has none: there is nothing
 * left of them in it, and no client can come upon one.
 *
 *   I1  the objects of a segment lie one after another, from its start to
 *       its directory, in the order of that
 *   I2  a segment's used, count, tail and gap are what its directory says
 *   I3  a segment has at most one tail, and at most one object that is not
 *       a tail, of a slot
 *   I4  a segment in use is on the list for its room, unless it is the
 *       victim; the spare is on none, and holds nothing
 *   I5  a unit of a pool is handed out, or free, or its block is away or
 *       was never used
 *   I6  an entry of the table that is set is in a leaf, and each node that
 *       the table leads to is one that the pool has handed out
 *   I7  while a page is published there are two of it, the old and the new,
 *       and the table leads to one; or the new one lies where the old did
 *   I8  a claim is on the list of its shard from when it is taken until it
 *       is dropped, and a turn until it ends
 */

#ifndef ZRAM_INVARIANT_H
#define ZRAM_INVARIANT_H

#include <stdbool.h>

#if ZRAM_CHECKS
/* Say which does not hold, and abort. */
extern void invariant_fails (const char *which, const char *condition,
                             const char *file, int line)
  __attribute__ ((noreturn, cold));

/* True once in so many calls: for what costs too much each time. */
extern bool invariant_due (unsigned calls);
#endif

/* CHEAP (I5, condition); FULL (..) for what takes longer than what it
 * checks.  The condition is compiled, but not evaluated, where it is left
 * out.
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
