/* nbdzramctl: the server, through libnbd.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The server is not trusted: sizes are bounded before memory is taken, and
 * no text of its reaches a terminal as it is.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnbd.h>

#include "client.h"
#include "ctl.h"

#define CONTROL "control"
#define CONTROL_SIZE (256 * 1024)
#define CHUNK (256 * 1024)
#define LIST_MAX 65536

/* What went wrong in libnbd's words.  They may quote the server's. */
static int
fault_nbd (const char *what)
{
  const char *words = nbd_get_error ();
  char *safe = text_escape (words ? words : strerror (nbd_get_errno ()));

  fault ("%s: %s", what, safe);
  free (safe);
  return -1;
}

/* --- Connecting --------------------------------------------------------- */

/* Connect and stop where exports are chosen. */
static struct nbd_handle *
client_connect (const char *uri)
{
  struct nbd_handle *nbd = nbd_create ();
  char *what;
  int r;

  if (!nbd) {
    fault_nbd ("libnbd");
    return NULL;
  }
  if (nbd_set_opt_mode (nbd, true) == -1 ||
      nbd_set_uri_allow_local_file (nbd, true) == -1)
    r = -1;
  else if (!strstr (uri, "://"))
    r = nbd_connect_unix (nbd, uri);
  else
    r = nbd_connect_uri (nbd, uri);
  if (r == 0)
    return nbd;
  switch (nbd_get_errno ()) {
  case ECONNREFUSED: case ENOENT:
    fault ("there is no server at %s; name another with -u URI or"
           " NBDZRAM_URI", uri);
    break;
  default:
    what = must_printf ("cannot connect to %s", uri);
    fault_nbd (what);
    free (what);
  }
  nbd_close (nbd);
  return NULL;
}

static void
client_close (struct nbd_handle *nbd)
{
  /* Politely, so that the server logs nothing. */
  if (nbd_aio_is_negotiating (nbd) == 1)
    nbd_opt_abort (nbd);
  else if (nbd_aio_is_ready (nbd) == 1)
    nbd_shutdown (nbd, 0);
  nbd_close (nbd);
}

/* Choose an export.  1: the server has none of that name. */
static int
client_go (struct nbd_handle *nbd, const char *export)
{
  char *what;

  /* A server of the oldest kind is past the choice already. */
  if (nbd_aio_is_negotiating (nbd) != 1)
    return fault ("the server does not let clients choose an export"
                  " (nbdkit -o?)");
  if (nbd_set_export_name (nbd, export) == 0 && nbd_opt_go (nbd) == 0)
    return 0;
  if (nbd_get_errno () == ENOENT)
    return 1;
  what = must_printf ("cannot open the export %s", export);
  fault_nbd (what);
  free (what);
  return -1;
}

struct wanted {
  const char *name;
  bool seen;
};

static int
look_for (void *opaque, const char *name, const char *description)
{
  struct wanted *w = opaque;

  (void) description;
  w->seen |= strcmp (name, w->name) == 0;
  return 0;
}

static bool
is_listed (struct nbd_handle *nbd, const char *export)
{
  struct wanted w = { export, false };

  return nbd_opt_list (nbd, (nbd_list_callback) {
                         .callback = look_for, .user_data = &w }) >= 0 &&
         w.seen;
}

/* nbdkit says of an export that it cannot open now that there is none; but
 * it lists it.
 */
static int
fault_unopened (struct nbd_handle *nbd, const char *uri, const char *export)
{
  if (is_listed (nbd, export))
    return fault ("the server at %s does not open \"%s\" now: there may be"
                  " too many readers, its log says more", uri, export);
  return fault ("the server at %s has no export \"%s\"", uri, export);
}

static struct nbd_handle *
client_open (const char *uri, const char *export)
{
  struct nbd_handle *nbd = client_connect (uri);
  int r = nbd ? client_go (nbd, export) : -1;

  if (r == 0)
    return nbd;
  if (r > 0)
    fault_unopened (nbd, uri, export);
  if (nbd)
    client_close (nbd);
  return NULL;
}

/* --- Reading ------------------------------------------------------------ */

/* The memory for what clients read has a bound. */
static int
fault_read (const char *what)
{
  if (nbd_get_errno () != ENOMEM)
    return fault_nbd (what);
  return fault ("%s: the server has no memory for it now: there may be too"
                " many readers, its log says more", what);
}

/* All of an export of at most max bytes, without the spaces, NULs and
 * newlines that fill it up, NUL-terminated.  To be freed.
 */
static char *
read_all (struct nbd_handle *nbd, size_t max)
{
  int64_t size = nbd_get_size (nbd);
  size_t done = 0, n;
  char *text;

  if (size < 0) {
    fault_nbd ("the export's size");
    return NULL;
  }
  if ((uint64_t) size > max) {
    fault ("the server's answer is too long: %" PRIi64 " bytes", size);
    return NULL;
  }
  text = must_alloc ((size_t) size, 1);
  for (; done < (size_t) size; done += n) {
    n = (size_t) size - done < CHUNK ? (size_t) size - done : CHUNK;
    if (nbd_pread (nbd, text + done, n, done, 0) == -1) {
      fault_read ("reading");
      free (text);
      return NULL;
    }
  }
  while (done && strchr (" \n", text[done - 1]))
    done--;
  text[done] = '\0';
  return text;
}

/* Is the first page, of this machine, that of a swap area? */
static bool
is_swap (struct nbd_handle *nbd, uint64_t size)
{
  static const char ends[] = "SWAPSPACE2";
  char mark[sizeof ends - 1];
  uint64_t page = (uint64_t) sysconf (_SC_PAGESIZE);

  return size >= page &&
         nbd_pread (nbd, mark, sizeof mark, page - sizeof mark, 0) == 0 &&
         memcmp (mark, ends, sizeof mark) == 0;
}

int
client_look (const char *uri, const char *export, struct export *e)
{
  struct nbd_handle *nbd = client_open (uri, export);
  int64_t size;

  if (!nbd)
    return -1;
  size = nbd_get_size (nbd);
  if (size >= 0) {
    e->size = (uint64_t) size;
    e->multi_conn = nbd_can_multi_conn (nbd) == 1;
    e->read_only = nbd_is_read_only (nbd) == 1;
    e->swap = is_swap (nbd, e->size);
  }
  else
    fault_nbd ("the export's size");
  client_close (nbd);
  return size < 0 ? -1 : 0;
}

/* A server may have its control export switched off; statistics are there
 * all the same.
 */
int
client_json (const char *uri, char **json)
{
  struct nbd_handle *nbd = client_connect (uri);
  int r;

  *json = NULL;
  if (!nbd)
    return -1;
  r = client_go (nbd, CONTROL);
  if (r > 0)
    r = client_go (nbd, "stats.json");
  if (r > 0 && is_listed (nbd, "stats.json"))
    r = fault_unopened (nbd, uri, "stats.json");
  else if (r > 0)
    r = fault ("the server at %s has neither an export \"" CONTROL "\" nor"
               " \"stats.json\": it is no nbdkit zram", uri);
  if (r == 0) {
    *json = read_all (nbd, CLIENT_JSON_MAX);
    r = *json ? 0 : -1;
  }
  client_close (nbd);
  return r;
}

/* Many servers answer to any name with the one disk they have.  What we
 * read is read-only everywhere but at control, which begins with JSON as
 * long as no command was written: so no foreign disk is taken for ours, or
 * written to.
 */
static int
check_text (struct nbd_handle *nbd, const char *uri, const char *export)
{
  if (nbd_is_read_only (nbd) == 1)
    return 0;
  return fault ("the server at %s is no nbdkit zram: its export \"%s\" is a"
                " disk", uri, export);
}

static int
check_control (struct nbd_handle *nbd, const char *uri)
{
  static const char begins[] = "{\"version\":";
  char head[sizeof begins - 1];

  if (nbd_get_size (nbd) == CONTROL_SIZE) {
    if (nbd_pread (nbd, head, sizeof head, 0, 0) == -1)
      return fault_read (CONTROL);
    if (memcmp (head, begins, sizeof head) == 0)
      return 0;
  }
  return fault ("the server at %s is no nbdkit zram: its export \"" CONTROL
                "\" is something else", uri);
}

int
client_copy (const char *uri, const char *export, FILE *fp)
{
  struct nbd_handle *nbd = client_open (uri, export);
  char *buf;
  int64_t size, at;
  size_t n;
  int r = 0;

  if (!nbd)
    return -1;
  if (check_text (nbd, uri, export) < 0) {
    client_close (nbd);
    return -1;
  }
  size = nbd_get_size (nbd);
  buf = must_alloc (CHUNK, 1);
  for (at = 0; at < size && r == 0; at += (int64_t) n) {
    n = size - at < CHUNK ? (size_t) (size - at) : CHUNK;
    if (nbd_pread (nbd, buf, n, (uint64_t) at, 0) == -1)
      r = fault_nbd (export);
    else
      text_put (fp, buf, n);
    if (ferror (fp))
      r = fault ("cannot write: %s", strerror (errno));
  }
  free (buf);
  client_close (nbd);
  return size < 0 ? fault_nbd (export) : r;
}

/* --- Listing ------------------------------------------------------------ */

struct list {
  const char *prefix;
  FILE *fp;
  int n;
};

static int
list_one (void *opaque, const char *name, const char *description)
{
  struct list *list = opaque;
  size_t n = strlen (list->prefix);
  char *safe, *about;

  if (strncmp (name, list->prefix, n) != 0 || list->n == LIST_MAX)
    return 0;
  safe = text_escape (name + n);
  about = text_escape (description);
  fprintf (list->fp, *about ? "%-20s %s\n" : "%s\n", safe, about);
  free (safe);
  free (about);
  list->n++;
  return 0;
}

int
client_list (const char *uri, const char *prefix, FILE *fp)
{
  struct list list = { prefix, fp, 0 };
  struct nbd_handle *nbd = client_connect (uri);
  int r;

  if (!nbd)
    return -1;
  r = nbd_opt_list (nbd, (nbd_list_callback) {
                      .callback = list_one, .user_data = &list });
  if (r == -1)
    fault_nbd ("listing the exports");
  client_close (nbd);
  return r == -1 ? -1 : list.n;
}

/* --- Commanding --------------------------------------------------------- */

/* Split an answer, "ok" or "error: TEXT" and lines; text becomes the
 * payload.
 */
static int
read_answer (char *text)
{
  static const char bad[] = "error:";
  size_t n = strcspn (text, "\n");
  char *safe;

  if (strncmp (text, "ok", n) == 0 && n == 2) {
    n += text[n] == '\n';
    memmove (text, text + n, strlen (text + n) + 1);
    return 0;
  }
  text[n] = '\0';
  if (strncmp (text, bad, sizeof bad - 1) == 0) {
    text += sizeof bad - 1;
    text += strspn (text, " ");
    safe = text_escape (text);
    fault ("%s", safe);
    free (safe);
    return -1;
  }
  return fault ("the server's answer is not understood");
}

/* The write failed: its errno, unless the server has more to say. */
static int
refused (struct nbd_handle *nbd, int error)
{
  char *text = nbd_aio_is_ready (nbd) == 1 ? read_all (nbd, CLIENT_JSON_MAX)
                                           : NULL;

  if (error == EPERM)
    fault ("the server does not allow changes from here; it was not started"
           " with control=rw, or this is another user");
  else
    fault ("the server refuses: %s", strerror (error));
  if (text && strncmp (text, "error:", 6) == 0)
    read_answer (text);
  free (text);
  return -1;
}

int
client_command (const char *uri, const char *command, char **payload)
{
  struct nbd_handle *nbd;
  char *line;
  int r = -1;

  *payload = NULL;
  if (command[strcspn (command, "\n\r")])
    return fault ("a command is one line");
  nbd = client_open (uri, CONTROL);
  if (!nbd)
    return -1;
  line = must_printf ("%s\n", command);
  if (check_control (nbd, uri) < 0)
    r = -1;
  else if ((int64_t) strlen (line) > nbd_get_size (nbd))
    fault ("the command is too long");
  else if (nbd_is_read_only (nbd) == 1)
    refused (nbd, EPERM);
  else if (nbd_pwrite (nbd, line, strlen (line), 0, 0) == -1)
    refused (nbd, nbd_get_errno ());
  else if ((*payload = read_all (nbd, CLIENT_JSON_MAX)))
    r = read_answer (*payload);
  if (r < 0) {
    free (*payload);
    *payload = NULL;
  }
  free (line);
  client_close (nbd);
  return r;
}
