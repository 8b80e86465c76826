/* nbdkit-zram: the memory that the program itself lies in.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_PREFAULT_H
#define ZRAM_PREFAULT_H

/* Make the code and data of what serves requests resident, and the heap.
 * 0 or an errno.
 */
extern int prefault_program (void);

#endif /* ZRAM_PREFAULT_H */
