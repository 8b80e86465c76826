/* nbdkit-zram: invariants, checked in builds for tests.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "invariant.h"

#if ZRAM_CHECKS
void
invariant_fails (const char *which, const char *condition, const char *file,
                 int line)
{
  fprintf (stderr, "zram: invariant %s is broken: %s (%s:%d)\n", which,
           condition, file, line);
  abort ();
}

bool
invariant_due (unsigned calls)
{
  static _Thread_local unsigned n;

  return n++ % calls == 0;
}
#else
typedef int invariant_nothing;  /* a file is not empty */
#endif
