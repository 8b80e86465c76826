/* nbdkit-zram: the user that nbdkit will become.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * With -u nbdkit becomes another user between get_ready and after_fork.  It
 * does not tell plugins which user that is, so the plugin reads nbdkit's
 * command line.
 */

#ifndef ZRAM_USER_H
#define ZRAM_USER_H

/* Become that user now, if we are root.  For a child process that tries what
 * the server will be allowed to do.
 */
extern void user_become (void);

#endif /* ZRAM_USER_H */
