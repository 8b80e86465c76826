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

/* Look at a disk without changing it. */
struct export {
  uint64_t size;
  bool multi_conn, read_only;
  bool swap;                    /* it has a swap area's signature */
  bool has_owner;               /* a Unix socket, and whose server it is */
  uid_t owner;
};
extern int client_look (const char *uri, const char *export,
                        struct export *e);

/* Longer texts of a server are refused, but for a listing of pages.  Its JSON
 * of 64 devices has 160 KiB.
 */
#define CLIENT_TEXT_MAX (1 << 22)

/* Get the JSON of all devices.  To be freed. */
extern int client_json (const char *uri, char **json);

/* Join words with spaces, to make a command.  To be freed. */
extern char *client_join (int argc, char **argv);

/* Run a command, and get the payload of its answer, without padding, as the
 * server wrote it (it may hold anything).  To be freed.
 */
extern int client_command (const char *uri, const char *command,
                           char **payload);

/* Write what an export holds to a file, safe for a terminal.  1 with a fault:
 * there is no export of that name.
 */
extern int client_copy (const char *uri, const char *export, FILE *fp);

/* Print the names of the exports that begin with a prefix, without it, and
 * their descriptions, all of it escaped.  Return how many there are.
 */
extern int client_list (const char *uri, const char *prefix, FILE *fp);

#endif /* CLIENT_H */
