/* nbdkit-zram: which codings a disk has in use: taken, and freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_CODING_CHANGE_H
#define ZRAM_CODING_CHANGE_H

#include "parts.h"

/* Let a codec at a level write new objects.  -ENOMEM; -ENOSPC at the
 * limit; -EBUSY if there are too many codings.
 */
extern int codings_use (const struct parts *p, unsigned codec, int level);

/* The same, with contexts that are not needed given back first; with
 * `change' locked.
 */
extern int codings_switch (const struct parts *p, unsigned codec,
                           int level);

/* Free the codings that no object needs any more. */
extern void codings_tidy (const struct parts *p);

#endif /* ZRAM_CODING_CHANGE_H */
