/* nbdzramctl: what a server is asked.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each call connects anew: the tool says one thing a run, and `top' shall
 * survive the server's restart.  URI may be the path of a Unix socket.
 * All return -1 with a fault.
 */

#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What can be known of a disk without changing it. */
struct export {
  uint64_t size;
  bool multi_conn, read_only;
  bool swap;                    /* mkswap has been there */
  bool has_owner;               /* a Unix socket, and whose server it is */
  uid_t owner;
};
extern int client_look (const char *uri, const char *export,
                        struct export *e);

/* No text of a server is longer, but for a listing of pages: its JSON of 64
 * devices has some 160 KiB.
 */
#define CLIENT_TEXT_MAX (1 << 22)

/* The JSON of all devices.  To be freed. */
extern int client_json (const char *uri, char **json);

/* Join words with spaces, to a command.  To be freed. */
extern char *client_join (int argc, char **argv);

/* Run a command; the payload of its answer, without padding, as the server
 * wrote it (it may hold anything).  To be freed.
 */
extern int client_command (const char *uri, const char *command,
                           char **payload);

/* Write what an export holds, safe for a terminal.  1, with a fault too: there
 * is none of that name.
 */
extern int client_copy (const char *uri, const char *export, FILE *fp);

/* Print the names, escaped, of the exports that begin with a prefix,
 * without it, with their descriptions.  The number of them.
 */
extern int client_list (const char *uri, const char *prefix, FILE *fp);

#endif /* CLIENT_H */
