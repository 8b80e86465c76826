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

struct server {
  struct json_object *root;
  unsigned n;                   /* devices */
};
/* One device; belongs to its state. */
typedef struct json_object device;

/* More than a server can have, and few enough to be gone through for each. */
#define SERVER_DEVICES_MAX 1024

/* -1 with a fault. */
extern int server_load (const char *uri, struct server *s);
extern int server_parse (const char *text, struct server *s);
extern void server_free (struct server *s);

extern device *server_device (const struct server *s, unsigned i);
extern device *server_find (const struct server *s, const char *name);

/* Escaped; to be freed.  NULL: unknown. */
extern char *device_text (device *d, const char *path);
extern bool device_number (device *d, const char *path, uint64_t *n);
extern bool device_integer (device *d, const char *path, int64_t *n);
/* 0 if it is unknown. */
extern uint64_t device_count (device *d, const char *path);

/* Stored bytes over held bytes, in 1/10000; 0: unknown, or nothing held. */
extern uint64_t device_ratio (device *d);

/* Does the server run under the same kernel as the tool?  False too if one of
 * them does not know.
 */
extern bool server_same_kernel (const struct server *s);

/* Is all that makes it safe to swap to a server of the same machine in
 * force?  If not, *missing is to be freed: what is not, for people.
 */
extern bool device_swap_safe (device *d, char **missing);

/* Call a function for each codec with pages. */
typedef void codec_fn (void *opaque, const char *name, device *counts);
extern void device_each_codec (device *d, codec_fn *fn, void *opaque);

/* And for each whole number of an object that a path names. */
typedef void number_fn (void *opaque, const char *key, uint64_t n);
extern void device_each_number (device *d, const char *path, number_fn *fn,
                                void *opaque);

/* All of a device, for people and programs.  To be freed. */
extern char *device_json (device *d);

#endif /* SERVER_JSON_H */
