/* nbdzramctl: the devices of a server, as its JSON tells.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "boot.h"
#include "client.h"
#include "escape.h"
#include "message.h"
#include "must.h"
#include "server-json.h"

/* The answer is three levels deep; deeper ones are refused by the parser. */
#define DEPTH_MAX 16
/* A device has some 80 members and a server 64 devices.  A member takes a
 * hundred times the memory of its text.
 */
#define MEMBERS_MAX 100000
/* Longer names are refused, and longer texts are cut. */
#define NAME_LENGTH_MAX 64
#define TEXT_LENGTH_MAX 256
#define CODECS_MAX 64

static struct json_object *
server_devices (const struct server *s)
{
  struct json_object *list;

  return json_object_object_get_ex (s->root, "devices", &list) &&
         json_object_is_type (list, json_type_array) ? list : NULL;
}

/* Check that a device is an object with a name. */
static bool
server_is_device (struct json_object *d)
{
  struct json_object *name;

  return json_object_is_type (d, json_type_object) &&
         json_object_object_get_ex (d, "name", &name) &&
         json_object_is_type (name, json_type_string) &&
         json_object_get_string_len (name) <= NAME_LENGTH_MAX;
}

/* Count all that could begin a member.  What is in texts counts too, which
 * does no harm.
 */
static bool
server_has_too_many (const char *text)
{
  unsigned n = 0;

  for (; (text = strpbrk (text, ",[{")); text++)
    if (++n > MEMBERS_MAX)
      return true;
  return false;
}

static int
server_check_devices (const struct server *s)
{
  unsigned i;

  if (s->n > SERVER_DEVICES_MAX)
    return fault ("its answer has %u devices, more than %d", s->n,
                  SERVER_DEVICES_MAX);
  for (i = 0; i < s->n; i++)
    if (!server_is_device (server_device (s, i)))
      return fault ("its answer has something among its devices that is none");
  return 0;
}

/* Read a JSON.  NULL with a fault. */
static struct json_object *
server_read_json (const char *text)
{
  struct json_tokener *tokener = json_tokener_new_ex (DEPTH_MAX);
  struct json_object *root = NULL;

  if (!tokener)
    fault ("there is no more memory");
  else if (server_has_too_many (text))
    fault ("its answer has too many members");
  else {
    root = json_tokener_parse_ex (tokener, text, (int) strlen (text));
    if (json_tokener_get_error (tokener) != json_tokener_success) {
      json_object_put (root);
      root = NULL;
    }
    if (!root)
      fault ("its answer is no JSON");
  }
  if (tokener)
    json_tokener_free (tokener);
  return root;
}

/* Count the devices and check them. */
static int
server_take_devices (struct server *s)
{
  struct json_object *list = server_devices (s);

  if (!list)
    return fault ("its answer has no list of devices");
  s->n = (unsigned) json_object_array_length (list);
  return server_check_devices (s);
}

int
server_parse (const char *text, struct server *s)
{
  *s = (struct server) { server_read_json (text), 0 };
  if (s->root && server_take_devices (s) == 0)
    return 0;
  server_free (s);
  return -1;
}

int
server_load (const char *uri, struct server *s)
{
  FREED char *text = NULL;

  memset (s, 0, sizeof *s);
  if (client_json (uri, &text) < 0)
    return -1;
  return server_parse (text, s) == 0 ? 0
    : fault ("the server at %s is no nbdkit zram: %s", uri, fault_text ());
}

device *
server_load_device (const char *uri, const char *name, struct server *s)
{
  device *d;

  if (server_load (uri, s) < 0)
    return NULL;
  d = server_find (s, name);
  if (!d)
    fault ("%s: there is no such device", name);
  return d;
}

void
server_free (struct server *s)
{
  json_object_put (s->root);
  memset (s, 0, sizeof *s);
}

device *
server_device (const struct server *s, unsigned i)
{
  return json_object_array_get_idx (server_devices (s), i);
}

device *
server_find (const struct server *s, const char *name)
{
  unsigned i;

  for (i = 0; i < s->n; i++) {
    struct json_object *d = server_device (s, i), *member;

    json_object_object_get_ex (d, "name", &member);
    if (strcmp (json_object_get_string (member), name) == 0)
      return d;
  }
  return NULL;
}

/* Escape the beginning of a text, which may have megabytes.  To be freed. */
static char *
device_escape (const char *text)
{
  char some[TEXT_LENGTH_MAX + 1];

  snprintf (some, sizeof some, "%s", text);
  return text_escape (some);
}

/* Find the member that a path names, of some type.  NULL: there is none. */
static struct json_object *
device_member (device *d, const char *path, json_type type)
{
  FREED char *copy = must_copy (path);
  char *rest = copy, *key;
  struct json_object *o = d;

  while (o && (key = strsep (&rest, ".")))
    if (!json_object_is_type (o, json_type_object) ||
        !json_object_object_get_ex (o, key, &o))
      o = NULL;
  return json_object_is_type (o, type) ? o : NULL;
}

char *
device_text (device *d, const char *path)
{
  struct json_object *o = device_member (d, path, json_type_string);

  return o ? device_escape (json_object_get_string (o)) : NULL;
}

bool
device_number (device *d, const char *path, uint64_t *n)
{
  struct json_object *o = device_member (d, path, json_type_int);

  *n = o ? json_object_get_uint64 (o) : 0;
  return o != NULL;
}

bool
device_integer (device *d, const char *path, int64_t *n)
{
  struct json_object *o = device_member (d, path, json_type_int);

  *n = o ? json_object_get_int64 (o) : 0;
  return o != NULL;
}

uint64_t
device_count (device *d, const char *path)
{
  uint64_t n;

  device_number (d, path, &n);
  return n;
}

uint64_t
device_ratio (device *d)
{
  uint64_t data = device_count (d, "orig_data_size");
  uint64_t held = device_count (d, "mem_used_total");

  return held ? (uint64_t) ((__uint128_t) data * 10000 / held) : 0;
}

void
device_each_codec (device *d, codec_fn *fn, void *opaque)
{
  struct json_object *codecs = device_member (d, "codecs", json_type_object);
  unsigned n = 0;

  if (!codecs)
    return;
  json_object_object_foreach (codecs, key, value) {
    FREED char *name = NULL;

    if (n++ == CODECS_MAX)
      return;
    name = device_escape (key);
    fn (opaque, name, value);
  }
}

bool
device_is (device *d, const char *path)
{
  struct json_object *b = device_member (d, path, json_type_boolean);

  return b && json_object_get_boolean (b);
}

static void
coding_call (struct json_object *coding, codec_fn *fn, void *opaque)
{
  char *algorithm = device_text (coding, "algorithm"), *name;
  int64_t level = 0;

  device_integer (coding, "level", &level);
  name = level ? must_printf ("%s:%" PRIi64, algorithm ? algorithm : "?", level)
    : must_copy (algorithm ? algorithm : "?");
  fn (opaque, name, coding);
  free (name);
  free (algorithm);
}

void
device_each_coding (device *d, codec_fn *fn, void *opaque)
{
  struct json_object *codings = device_member (d, "codings", json_type_array);
  size_t i, n = codings ? json_object_array_length (codings) : 0;

  if (!codings)
    device_each_codec (d, fn, opaque);
  for (i = 0; i < n && i < CODECS_MAX; i++)
    coding_call (json_object_array_get_idx (codings, i), fn, opaque);
}

bool
server_same_kernel (const struct server *s)
{
  FREED char *theirs = device_text (s->root, "boot");

  return theirs && *theirs && strcmp (theirs, boot_mark ()) == 0;
}

void
device_each_number (device *d, const char *path, number_fn *fn, void *opaque)
{
  struct json_object *o = device_member (d, path, json_type_object);

  if (!o)
    return;
  json_object_object_foreach (o, key, value)
    if (json_object_is_type (value, json_type_int))
      fn (opaque, key, json_object_get_uint64 (value));
}

/* Say whether a member of "swap_safe" is a part without which swap is unsafe.
 * A server tells of oom as well, but does without it.
 */
static bool
device_is_vital (const char *part)
{
  return strcmp (part, "safe") != 0 && strcmp (part, "oom") != 0;
}

/* List the parts that are not in force.  To be freed. */
static char *
device_list_missing (struct json_object *parts)
{
  char *list = must_copy ("");

  json_object_object_foreach (parts, key, value)
    if (device_is_vital (key) && !json_object_get_boolean (value) &&
        strlen (list) <= TEXT_LENGTH_MAX)
      must_append (&list, "%s%.64s", *list ? ", " : "", key);
  return list;
}

/* The server says {"safe": true or false}, and the same of each part. */
bool
device_swap_safe (device *d, char **missing)
{
  struct json_object *parts = device_member (d, "swap_safe", json_type_object);
  struct json_object *safe = device_member (d, "swap_safe.safe",
                                            json_type_boolean);
  FREED char *word = device_text (d, "swap"), *list = NULL, *why = NULL;

  *missing = NULL;
  if (json_object_get_boolean (safe))
    return true;
  /* If it is off no part is in force: do not list them all. */
  if (parts && !(word && strcmp (word, "off") == 0))
    list = device_list_missing (parts);
  why = list && *list ? must_printf ("not in force: %.200s", list)
                      : must_copy ("it has no swap=true");
  *missing = text_escape (why);
  return false;
}

char *
device_json (device *d)
{
  /* json-c escapes control characters, but leaves bytes over 127. */
  return must_copy (json_object_to_json_string_ext (
                      d, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                         JSON_C_TO_STRING_NOSLASHESCAPE));
}
