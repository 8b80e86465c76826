/* nbdkit-zram: which running kernel this is.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A server and a client that run under the same kernel share its memory,
 * whatever addresses they see: what swaps to such a server swaps to itself.
 */

#ifndef ZRAM_BOOT_H
#define ZRAM_BOOT_H

/* 16 hexadecimal digits that differ from boot to boot and from machine to
 * machine, and tell nothing else; "" if the kernel does not say.
 */
extern const char *boot_mark (void);

#endif /* ZRAM_BOOT_H */
