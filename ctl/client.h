/* nbdzramctl: the server, through libnbd.
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

/* What can be known of a disk without changing it. */
struct export {
  uint64_t size;
  bool multi_conn, read_only;
  bool swap;                    /* mkswap has been there */
};
extern int client_look (const char *uri, const char *export,
                        struct export *e);

/* The JSON of all devices, of at most CLIENT_JSON_MAX bytes.  To be freed. */
#define CLIENT_JSON_MAX (1 << 24)
extern int client_json (const char *uri, char **json);

/* Run a command; the payload of its answer, without padding, as the server
 * wrote it (it may hold anything).  To be freed.
 */
extern int client_command (const char *uri, const char *command,
                           char **payload);

/* Write what an export holds, safe for a terminal. */
extern int client_copy (const char *uri, const char *export, FILE *fp);

/* Print the names, escaped, of the exports that begin with a prefix,
 * without it, with their descriptions.  The number of them.
 */
extern int client_list (const char *uri, const char *prefix, FILE *fp);

#endif /* CLIENT_H */
