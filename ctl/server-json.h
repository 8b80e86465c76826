/* nbdzramctl: the devices of a server, as its JSON tells.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Members are named by paths, "latency.read.p50_ns".  One that is missing or
 * of another type than expected counts as unknown, so that the tool goes
 * with older and newer servers.
 */

#ifndef SERVER_JSON_H
#define SERVER_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/* A server with more devices is refused: it is none of ours, and they must be
 * few enough to go through them for each of them.
 */
#define SERVER_DEVICES_MAX 1024

struct server {
  struct json_object *root;
  unsigned n;                   /* devices */
};
/* One device.  It belongs to its server. */
typedef struct json_object device;

/* Ask the server at a URI, or read its JSON.  -1 with a fault. */
extern int server_load (const char *uri, struct server *s);
extern int server_parse (const char *text, struct server *s);
extern void server_free (struct server *s);

/* Return the i-th device, or the one of a name.  NULL: there is none. */
extern device *server_device (const struct server *s, unsigned i);
extern device *server_find (const struct server *s, const char *name);
/* Load the server and find a device.  NULL with a fault.  The server is to be
 * freed in any case.
 */
extern device *server_load_device (const char *uri, const char *name,
                                   struct server *s);

/* Return a text, escaped.  NULL: unknown.  To be freed. */
extern char *device_text (device *d, const char *path);
/* Get a whole number.  False: it is unknown, and *n is 0. */
extern bool device_number (device *d, const char *path, uint64_t *n);
extern bool device_integer (device *d, const char *path, int64_t *n);
/* Return a number, or 0 if it is unknown. */
extern uint64_t device_count (device *d, const char *path);

/* Return stored bytes over held bytes, in 1/10000.  0: it is unknown, or
 * nothing is held.
 */
extern uint64_t device_ratio (device *d);

/* Say whether the server and the tool run under the same kernel.  False too if
 * one of them does not know.
 */
extern bool server_same_kernel (const struct server *s);

/* Say whether everything is in force that makes it safe to swap to a server on
 * the same machine.  If not, *missing says what is not, for people; to be
 * freed.
 */
extern bool device_swap_safe (device *d, char **missing);

/* Call a function for each codec with pages. */
typedef void codec_fn (void *opaque, const char *name, device *counts);
extern void device_each_codec (device *d, codec_fn *fn, void *opaque);

/* Do the same for each coding with pages, of the name "zstd:3"; where the
 * server knows of none, for each codec.
 */
extern void device_each_coding (device *d, codec_fn *fn, void *opaque);
extern bool device_is (device *d, const char *path);

/* Call a function for each whole number of the object that a path names. */
typedef void number_fn (void *opaque, const char *key, uint64_t n);
extern void device_each_number (device *d, const char *path, number_fn *fn,
                                void *opaque);

/* Return all of a device as JSON.  To be freed. */
extern char *device_json (device *d);

#endif /* SERVER_JSON_H */
