/* nbdzramctl: who could listen at a Unix socket, or put another in its place.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef PATH_TRUST_H
#define PATH_TRUST_H

#include <stdbool.h>
#include <sys/types.h>

/* Say whether a user is root, the one who runs the tool, or the owner of
 * /run/nbdkit-zram, the service's.
 */
extern bool path_trusts (uid_t uid);

/* Find a user who owns the file or a directory on the way to it, and is not
 * trusted.  The path must begin with a slash.
 */
extern bool path_find_stranger (const char *path, uid_t *uid);

/* Find a directory on the way where others could rename or replace the next
 * name.  NULL: there is none.  To be freed.
 */
extern char *path_find_open_directory (const char *path);

/* Say whether others can connect to a Unix socket: they must be allowed to
 * write to it, and to enter each directory on the way.
 */
extern bool path_lets_others_connect (const char *path);

#endif /* PATH_TRUST_H */
