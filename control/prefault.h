/* nbdkit-zram: making the program's own memory resident.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_PREFAULT_H
#define ZRAM_PREFAULT_H

/* Make the heap resident, and the code and data of everything that serves
 * requests.  Return 0 or a positive errno.
 */
extern int prefault_program (void);

#endif /* ZRAM_PREFAULT_H */
