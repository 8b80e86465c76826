/* nbdkit-zram: which running kernel this is.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A server and a client that run under the same kernel share its memory,
 * whatever addresses they see.  A machine that swaps to such a server swaps
 * to itself.
 */

#ifndef ZRAM_BOOT_H
#define ZRAM_BOOT_H

/* Return 16 hexadecimal digits that differ from boot to boot and from machine
 * to machine, and reveal nothing else.  The string is static, and "" if the
 * kernel does not tell.
 */
extern const char *boot_mark (void);

#endif /* ZRAM_BOOT_H */
