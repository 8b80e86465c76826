/* nbdkit-zram: which codings a disk has in use: taken, and freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_CODING_CHANGE_H
#define ZRAM_CODING_CHANGE_H

#include "parts.h"

/* Let a coding write new objects.  With `change' locked, or before anybody
 * else knows the disk.  -ENOMEM; -ENOSPC at the limit; -EBUSY if there are
 * too many codings.
 */
extern int codings_use (const struct parts *p,
                        const struct coding_kind *kind);

/* Do the same, with contexts that are not needed given back first; with
 * `change' locked.
 */
extern int codings_switch (const struct parts *p,
                           const struct coding_kind *kind);

/* Free the codings that no object needs any more. */
extern void codings_tidy (const struct parts *p);

/* Charge what a job of upkeep is about to hold, besides encoders, and credit
 * it.  -ENOSPC: the account does not allow it.  Waits for `change'.
 */
extern int job_charge (const struct parts *p, uint64_t bytes);
extern void job_credit (const struct parts *p, uint64_t bytes);

/* Make an encoder for a job, of a coding that new objects need not be of.
 * Waits for `change'.  Errors as above, and there is none.
 */
extern int encoder_open (const struct parts *p,
                         const struct coding_kind *kind,
                         struct encoder *encoder);
extern void encoder_close (const struct parts *p, struct encoder *encoder);

#endif /* ZRAM_CODING_CHANGE_H */
