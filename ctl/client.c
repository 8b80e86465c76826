/* nbdzramctl: what a server is asked.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The server is not trusted: what it says is bounded before memory is taken,
 * and no text of its reaches a terminal as it is.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "connection.h"
#include "escape.h"
#include "message.h"
#include "must.h"

#define CONTROL "control"
#define CONTROL_SIZE (256 * 1024)
#define CHUNK (256 * 1024)
/* A listing of pages: 1048576 lines of 40 bytes. */
#define LISTING_MAX (INT64_C (40) << 20)
/* What a name in a list counts for, besides its bytes. */
#define NAME_COST 64

struct wanted {
  const char *name;
  bool seen;
};

static int
client_look_for (void *opaque, const char *name, const char *description)
{
  struct wanted *w = opaque;

  (void) description;
  w->seen |= strcmp (name, w->name) == 0;
  return 0;
}

static bool
client_is_listed (struct connection *c, const char *export)
{
  struct wanted w = { export, false };

  return connection_list (c, client_look_for, &w) >= 0 && w.seen;
}

/* Explain why an export was not opened.  nbdkit says "there is none" also of
 * one that it cannot open now, but lists it.
 */
static int
client_fault_unopened (struct connection *c, const char *export)
{
  if (client_is_listed (c, export))
    return fault ("%s does not open \"%s\" now: there may be too many"
                  " readers, its log says more", connection_who (c), export);
  return fault ("%s has no export \"%s\"", connection_who (c), export);
}

static struct connection *
client_open (const char *uri, const char *export)
{
  struct connection *c = connection_open (uri);
  int r = c ? connection_go (c, export) : -1;

  if (r == 0)
    return c;
  if (r > 0)
    client_fault_unopened (c, export);
  connection_close (c);
  return NULL;
}

static int
client_fault_foreign (const struct connection *c, const char *export,
                      const char *what)
{
  return fault ("%s is no nbdkit zram: its export \"%s\" is %s",
                connection_who (c), export, what);
}

/* --- Reading ------------------------------------------------------------ */

/* Return the size of an export that should be a text of at most max bytes.
 * -1 with a fault.
 */
static int64_t
client_text_size (struct connection *c, const char *export, int64_t max)
{
  int64_t size = nbd_get_size (connection_nbd (c));
  FREED char *what = NULL;

  if (size >= 0 && size <= max)
    return size;
  if (size < 0)
    return client_fault_foreign (c, export, "of no size");
  what = must_printf ("no text, but %" PRIi64 " bytes", size);
  return client_fault_foreign (c, export, what);
}

/* Read all of an export, and get its length.  NULL with a fault.  To be freed.
 */
static char *
client_read_bytes (struct connection *c, const char *export, int64_t max,
                   size_t *length)
{
  int64_t size = client_text_size (c, export, max);
  size_t done, n;
  char *text;

  if (size < 0)
    return NULL;
  *length = (size_t) size;
  text = must_alloc (*length, 1);
  for (done = 0; done < *length; done += n) {
    n = *length - done < CHUNK ? *length - done : CHUNK;
    if (connection_read (c, text + done, n, done) < 0) {
      free (text);
      return NULL;
    }
  }
  return text;
}

/* Do the same, but cut off the spaces, NULs and newlines that fill it up, and
 * end it with a NUL.
 */
static char *
client_read_text (struct connection *c, const char *export)
{
  size_t n = 0;
  char *text = client_read_bytes (c, export, CLIENT_TEXT_MAX, &n);

  if (!text)
    return NULL;
  while (n && strchr (" \n", text[n - 1]))
    n--;
  text[n] = '\0';
  return text;
}

/* Say whether the first page, of this machine's size, is that of a swap area.
 * -1 with a fault.
 */
static int
client_is_swap (struct connection *c, uint64_t size)
{
  static const char ends[] = "SWAPSPACE2";
  char mark[sizeof ends - 1];
  uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE);

  if (size < page)
    return 0;
  if (connection_read (c, mark, sizeof mark, page - sizeof mark) < 0)
    return -1;
  return memcmp (mark, ends, sizeof mark) == 0;
}

static int
client_describe (struct connection *c, const char *export, struct export *e)
{
  struct nbd_handle *nbd = connection_nbd (c);
  int64_t size = nbd_get_size (nbd);
  int swap;

  if (size < 0)
    return fault ("%s: %s has no size", connection_who (c), export);
  swap = client_is_swap (c, (uint64_t) size);
  if (swap < 0)
    return -1;
  *e = (struct export) {
    .size = (uint64_t) size, .swap = swap,
    .multi_conn = nbd_can_multi_conn (nbd) == 1,
    .read_only = nbd_is_read_only (nbd) == 1,
  };
  e->has_owner = connection_peer (c, &e->owner);
  return 0;
}

int
client_look (const char *uri, const char *export, struct export *e)
{
  struct connection *c = client_open (uri, export);
  int r = c ? client_describe (c, export, e) : -1;

  connection_close (c);
  return r;
}

/* Choose the export that has the statistics.  Return its name, or NULL with a
 * fault.  They can be read even if the server was started with control=off.
 */
static const char *
client_go_json (struct connection *c)
{
  const char *export = CONTROL;
  int r = connection_go (c, export);

  if (r > 0)
    r = connection_go (c, export = "stats.json");
  if (r == 0)
    return export;
  if (r > 0 && client_is_listed (c, export))
    client_fault_unopened (c, export);
  else if (r > 0)
    fault ("%s has neither an export \"" CONTROL "\" nor \"stats.json\":"
           " it is no nbdkit zram", connection_who (c));
  return NULL;
}

int
client_json (const char *uri, char **json)
{
  struct connection *c = connection_open (uri);
  const char *export = c ? client_go_json (c) : NULL;

  *json = export ? client_read_text (c, export) : NULL;
  connection_close (c);
  return *json ? 0 : -1;
}

/* Check that this is really a control export.  Many servers answer to any name
 * with the one disk they have, and no foreign disk may be written to.  A
 * control export begins with JSON until a command is written; all other
 * exports of ours are read-only.
 */
static int
client_check_control (struct connection *c)
{
  static const char begins[] = "{\"version\":";
  char head[sizeof begins - 1];

  if (nbd_get_size (connection_nbd (c)) != CONTROL_SIZE)
    return client_fault_foreign (c, CONTROL, "something else");
  if (connection_read (c, head, sizeof head, 0) < 0)
    return -1;
  return memcmp (head, begins, sizeof head) == 0
    ? 0 : client_fault_foreign (c, CONTROL, "something else");
}

/* Print a text, but not before all of it was read. */
static int
client_copy_text (struct connection *c, const char *export, FILE *fp)
{
  FREED char *text = NULL;
  size_t n = 0;

  if (nbd_is_read_only (connection_nbd (c)) != 1)
    return client_fault_foreign (c, export, "a disk");
  text = client_read_bytes (c, export, LISTING_MAX, &n);
  if (!text)
    return -1;
  text_put (fp, text, n);
  return ferror (fp) ? fault ("cannot write: %s", strerror (errno)) : 0;
}

int
client_copy (const char *uri, const char *export, FILE *fp)
{
  struct connection *c = connection_open (uri);
  int r = c ? connection_go (c, export) : -1;

  if (r == 0)
    r = client_copy_text (c, export, fp);
  else if (r > 0)
    client_fault_unopened (c, export);
  connection_close (c);
  return r < 0 ? -1 : r;
}

/* --- Listing ------------------------------------------------------------ */

struct list {
  const char *prefix;
  FILE *fp;                     /* in memory */
  int n;
  size_t bytes;
};

/* Write an export and its description, if its name begins with the prefix.
 * Other names count too: a list can be endless without any that is wanted.
 */
static int
client_list_one (void *opaque, const char *name, const char *description)
{
  struct list *list = opaque;
  size_t n = strlen (list->prefix);
  FREED char *safe = NULL, *about = NULL;

  list->bytes += strlen (name) + strlen (description) + NAME_COST;
  if (list->bytes > CLIENT_TEXT_MAX)
    return fault ("the server lists exports without end");
  if (strncmp (name, list->prefix, n) != 0)
    return 0;
  safe = text_escape (name + n);
  about = text_escape (description);
  fprintf (list->fp, *about ? "%-20s %s\n" : "%s\n", safe, about);
  list->n++;
  return 0;
}

/* Write the list to a text, to be freed. */
static int
client_write_list (struct connection *c, struct list *list, char **text)
{
  size_t size;
  int r;

  list->fp = open_memstream (text, &size);
  if (!list->fp)
    return fault ("there is no more memory");
  r = connection_list (c, client_list_one, list);
  fclose (list->fp);
  return r;
}

int
client_list (const char *uri, const char *prefix, FILE *fp)
{
  struct list list = { .prefix = prefix };
  struct connection *c = connection_open (uri);
  FREED char *text = NULL;
  int r = c ? client_write_list (c, &list, &text) : -1;

  if (r == 0)
    fputs (text, fp);
  connection_close (c);
  return r < 0 ? -1 : list.n;
}

/* --- Commanding --------------------------------------------------------- */

/* Split an answer, "ok" or "error: TEXT" and lines.  text becomes the payload.
 * -1 with the error as a fault.
 */
static int
client_read_answer (char *text)
{
  static const char bad[] = "error:";
  size_t n = strcspn (text, "\n");

  if (strncmp (text, "ok", n) == 0 && n == 2) {
    n += text[n] == '\n';
    memmove (text, text + n, strlen (text + n) + 1);
    return 0;
  }
  text[n] = '\0';
  if (strncmp (text, bad, sizeof bad - 1) != 0)
    return fault ("the server's answer is not understood");
  text += sizeof bad - 1;
  return fault ("%s", text + strspn (text, " "));
}

/* Add to the fault that a command was sent and is without an answer. */
static int
client_unanswered (void)
{
  return fault ("%s (no answer: the command may have been carried out or"
                " not)", fault_text ());
}

/* Explain a failed write: by its errno, unless the server says more. */
static int
client_refused (struct connection *c, int error)
{
  FREED char *text = NULL;

  if (error == 0)
    return client_unanswered ();
  text = client_read_text (c, CONTROL);
  if (error == EPERM)
    fault ("%s does not allow changes from here: control=... says who may"
           " make them, usually only its own user and root, and nobody if it"
           " is read-only (nbdkit -r)", connection_who (c));
  else
    fault ("the server refuses: %s", strerror (error));
  if (text && strncmp (text, "error:", 6) == 0)
    client_read_answer (text);
  return -1;
}

/* Send a command and read its answer.  Each of the two has the time of an
 * exchange.
 */
static int
client_converse (struct connection *c, const char *line, char **payload)
{
  int error;

  if (client_check_control (c) < 0)
    return -1;
  if (strlen (line) > CONTROL_SIZE)
    return fault ("the command is too long");
  if (nbd_is_read_only (connection_nbd (c)) == 1)
    return client_refused (c, EPERM);
  connection_renew (c);
  if (connection_write (c, line, strlen (line), 0, &error) < 0)
    return client_refused (c, error);
  connection_renew (c);
  *payload = client_read_text (c, CONTROL);
  return *payload ? client_read_answer (*payload) : client_unanswered ();
}

char *
client_join (int argc, char **argv)
{
  char *line = must_copy ("");
  int i;

  for (i = 0; i < argc; i++)
    must_append (&line, "%s%s", i ? " " : "", argv[i]);
  return line;
}

int
client_command (const char *uri, const char *command, char **payload)
{
  FREED char *line = must_printf ("%s\n", command);
  struct connection *c;
  int r;

  *payload = NULL;
  if (command[strcspn (command, "\n\r")])
    return fault ("a command is one line");
  c = client_open (uri, CONTROL);
  r = c ? client_converse (c, line, payload) : -1;
  connection_close (c);
  if (r < 0) {
    free (*payload);
    *payload = NULL;
  }
  return r;
}
