/* nbdzramctl: a connection to a server, through libnbd, that never waits
 * without end.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The server is not trusted: it may be silent from any moment on, or say
 * what it likes, and no text of its reaches a terminal as it is.
 */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "alarm.h"
#include "connection.h"
#include "escape.h"
#include "message.h"
#include "must.h"
#include "resolve.h"
#include "timeout.h"
#include "wait.h"

/* How long to try to disconnect politely. */
#define GOODBYE_MS 1000

struct connection {
  struct nbd_handle *nbd;
  const char *uri;
  char *who;
  uint64_t deadline;
  bool broken;                  /* the connection is of no use any more */
  /* What is being negotiated. */
  bool answered, wants_tls;
  int error;
  connection_export_fn *list_fn;
  void *list_opaque;
  int list_fd;
  bool list_failed;
};

/* Make a fault of libnbd's error, without the name of its function. */
static int
connection_fault (const struct connection *c, const char *what)
{
  const char *words = nbd_get_error (), *colon;

  colon = words ? strstr (words, ": ") : NULL;
  if (colon && strncmp (words, "nbd_", 4) == 0)
    words = colon + 2;
  return fault ("%s: %s: %s", c->who, what,
                words ? words : strerror (nbd_get_errno ()));
}

/* --- Waiting ------------------------------------------------------------ */

typedef bool done_fn (struct connection *c, int64_t cookie);

/* Wait one step.  After a fault the connection is of no use. */
static int
connection_step (struct connection *c, const char *what)
{
  int ms = wait_step (c->deadline, c->who);

  if (ms < 0 || c->list_failed) {
    c->broken = true;
    return -1;
  }
  if (nbd_poll (c->nbd, ms) >= 0 || nbd_get_errno () == EINTR)
    return 0;
  c->broken = true;
  c->error = nbd_get_errno ();
  /* We may have cut the connection off ourselves: see alarm.c. */
  return c->list_failed || wait_step (c->deadline, c->who) < 0
    ? -1 : connection_fault (c, what);
}

static int
connection_wait (struct connection *c, done_fn *done, int64_t cookie,
                 const char *what)
{
  alarm_socket (nbd_aio_get_fd (c->nbd));
  while (!done (c, cookie))
    if (connection_step (c, what) < 0)
      return -1;
  return 0;
}

static bool
connection_is_gone (struct connection *c)
{
  return nbd_aio_is_closed (c->nbd) == 1 || nbd_aio_is_dead (c->nbd) == 1;
}

static bool
connection_is_made (struct connection *c, int64_t cookie)
{
  (void) cookie;
  return nbd_aio_is_connecting (c->nbd) != 1 || connection_is_gone (c);
}

static bool
connection_is_answered (struct connection *c, int64_t cookie)
{
  (void) cookie;
  return (c->answered && nbd_aio_is_connecting (c->nbd) != 1) ||
         connection_is_gone (c);
}

static bool
connection_is_completed (struct connection *c, int64_t cookie)
{
  int r = nbd_aio_command_completed (c->nbd, (uint64_t) cookie);

  /* libnbd tells it only once. */
  if (r < 0)
    c->error = nbd_get_errno ();
  return r != 0;
}

/* --- Connecting --------------------------------------------------------- */

static int
connection_fault_open (struct connection *c, int error)
{
  const char *uri = c->who + sizeof "the server at " - 1;

  c->broken = true;
  if (error != ECONNREFUSED && error != ENOENT)
    return fault ("cannot connect to %s: %s", uri,
                  error == EAGAIN ? "too many clients wait for it already"
                  : strerror (error));
  if (!strstr (uri, "://") && !strchr (uri, '/'))
    return fault ("there is no server at %s; that is a path, for a host say"
                  " nbd://%s", uri, uri);
  return fault ("there is no server at %s; name another with -u URI or"
                " NBDZRAM_URI", uri);
}

/* Connect to the i-th address.  Return the socket, or -1 with a fault. */
static int
connection_try (struct connection *c, const struct endpoints *a, unsigned i,
                uint64_t deadline, int *error)
{
  int fd = socket (a->list[i].sa.ss_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  socklen_t length = sizeof *error;

  *error = 0;
  if (fd < 0 ||
      connect (fd, (const struct sockaddr *) &a->list[i].sa,
               a->list[i].length) < 0)
    *error = errno;
  if (*error == EINPROGRESS) {
    if (wait_file (fd, POLLOUT, deadline, c->who) < 0) {
      close (fd);
      *error = ETIMEDOUT;
      return -1;
    }
    getsockopt (fd, SOL_SOCKET, SO_ERROR, error, &length);
  }
  if (*error == 0)
    return fd;
  if (fd >= 0)
    close (fd);
  return connection_fault_open (c, *error);
}

/* Try one address after the other.  One that does not answer leaves time for
 * the rest.
 */
static int
connection_try_all (struct connection *c, const struct endpoints *a)
{
  int fd = -1, error = 0;
  unsigned i;

  for (i = 0; i < a->n && fd < 0; i++) {
    uint64_t now = clock_ms (), share = c->deadline > now
      ? (c->deadline - now) / (a->n - i) : 0;

    fd = connection_try (c, a, i, now + share, &error);
  }
  if (fd < 0)
    return -1;
  c->broken = false;
  return nbd_aio_connect_socket (c->nbd, fd) == 0
    ? 0 : connection_fault (c, "connecting");
}

/* Check that a file of the query can be read: libnbd blames the server if it
 * is missing.
 */
static int
connection_check_file (const char *uri, const char *key)
{
  FREED char *path = address_query (uri, key);

  return !path || access (path, R_OK) == 0 ? 0
    : fault ("%s=%s: %s", key, path, strerror (errno));
}

/* Begin to connect to a URI.  libnbd would wait for name servers without
 * limit, so the host is looked up before.  For TLS libnbd must connect itself,
 * because it compares the host with the certificate.
 */
static int
connection_begin_uri (struct connection *c)
{
  bool tls = strncasecmp (c->uri, "nbds", 4) == 0;
  struct endpoints a;
  struct address p;
  int r = 0;

  if (connection_check_file (c->uri, "tls-psk-file") < 0 ||
      connection_check_file (c->uri, "tls-certificates") < 0)
    return -1;
  if (address_of_uri (c->uri, &p) == 0) {
    r = p.host ? resolve (p.host, p.port, c->deadline, &a) : 0;
    if (r == 0 && p.host && !tls) {
      address_free (&p);
      return connection_try_all (c, &a);
    }
    address_free (&p);
  }
  if (r < 0)
    return -1;
  if (nbd_aio_connect_uri (c->nbd, c->uri) == 0)
    return 0;
  /* The alarm may have shut the socket down. */
  if (wait_step (c->deadline, c->who) < 0)
    return -1;
  return nbd_get_errno () == ECONNREFUSED || nbd_get_errno () == ENOENT
    ? connection_fault_open (c, nbd_get_errno ())
    : connection_fault (c, "connecting");
}

static int
connection_begin_path (struct connection *c)
{
  if (nbd_aio_connect_unix (c->nbd, c->uri) == 0)
    return 0;
  return connection_fault_open (c, nbd_get_errno ());
}

static int
connection_begin (struct connection *c)
{
  if (!c->nbd)
    return fault ("libnbd: %s", strerror (nbd_get_errno ()));
  if (nbd_set_opt_mode (c->nbd, true) < 0 ||
      nbd_set_uri_allow_local_file (c->nbd, true) < 0)
    return connection_fault (c, "libnbd");
  if ((strstr (c->uri, "://") ? connection_begin_uri (c)
                              : connection_begin_path (c)) < 0)
    return -1;
  if (connection_wait (c, connection_is_made, 0, "connecting") < 0)
    return c->error == ECONNREFUSED || c->error == ENOENT
      ? connection_fault_open (c, c->error) : -1;
  return connection_is_gone (c) ? connection_fault (c, "connecting") : 0;
}

struct connection *
connection_open (const char *uri)
{
  struct connection *c = must_alloc (1, sizeof *c);
  char *safe = text_escape (uri);

  c->uri = uri;
  c->who = must_printf ("the server at %s", safe);
  c->deadline = timeout_deadline ();
  c->nbd = nbd_create ();
  free (safe);
  alarm_begin (c->deadline);
  if (connection_begin (c) == 0)
    return c;
  c->broken = true;
  connection_close (c);
  return NULL;
}

void
connection_renew (struct connection *c)
{
  c->deadline = timeout_deadline ();
  alarm_begin (c->deadline);
}

/* Disconnect politely, so that the server logs nothing; and without a fault,
 * to keep the one that there may be.
 */
static void
connection_say_goodbye (struct connection *c)
{
  uint64_t until = clock_ms () + GOODBYE_MS;

  if (nbd_aio_is_negotiating (c->nbd) == 1)
    nbd_aio_opt_abort (c->nbd);
  else if (nbd_aio_is_ready (c->nbd) == 1)
    nbd_aio_disconnect (c->nbd, 0);
  while (!connection_is_gone (c) && clock_ms () < until)
    if (nbd_poll (c->nbd, GOODBYE_MS / 10) < 0 && nbd_get_errno () != EINTR)
      break;
}

void
connection_close (struct connection *c)
{
  if (!c)
    return;
  if (!c->broken)
    connection_say_goodbye (c);
  nbd_close (c->nbd);
  alarm_end ();
  free (c->who);
  free (c);
}

struct nbd_handle *
connection_nbd (const struct connection *c)
{
  return c->nbd;
}

const char *
connection_who (const struct connection *c)
{
  return c->who;
}

bool
connection_peer (const struct connection *c, uid_t *uid)
{
  struct ucred peer;
  struct sockaddr_storage sa;
  socklen_t n = sizeof sa, length = sizeof peer;
  int fd = nbd_aio_get_fd (c->nbd);

  if (getpeername (fd, (struct sockaddr *) &sa, &n) < 0 ||
      sa.ss_family != AF_UNIX ||
      getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
    return false;
  *uid = peer.uid;
  return true;
}

/* --- Negotiating -------------------------------------------------------- */

static int
connection_note_answer (void *opaque, int *error)
{
  const char *words = nbd_get_error ();
  struct connection *c = opaque;

  c->answered = true;
  c->error = *error;
  c->wants_tls = words && strstr (words, "TLS");
  return 1;
}

/* Check that an export can be chosen.  With the oldest protocol of NBD there
 * is no choice.
 */
static int
connection_check_negotiating (struct connection *c)
{
  c->answered = false;
  c->error = 0;
  if (nbd_aio_is_negotiating (c->nbd) == 1)
    return 0;
  return fault ("%s does not let clients choose an export (nbdkit -o?)",
                c->who);
}

static int
connection_fault_go (struct connection *c, const char *export)
{
  if (c->wants_tls && nbd_get_tls_negotiated (c->nbd) != 1)
    return fault ("%s wants TLS: say nbds:// instead of nbd://", c->who);
  return fault ("%s: cannot open the export %s: %s", c->who, export,
                c->error == ENOTSUP ? "the server refuses it"
                : strerror (c->error));
}

/* Wait for the answer.  c->error is 0 then, or the server's error. */
static int
connection_await_answer (struct connection *c, const char *what)
{
  if (connection_wait (c, connection_is_answered, 0, what) < 0 ||
      c->list_failed)
    return -1;
  return c->answered ? 0 : connection_fault (c, what);
}

int
connection_go (struct connection *c, const char *export)
{
  static const char what[] = "choosing an export";
  nbd_completion_callback answer = { .callback = connection_note_answer,
                                     .user_data = c };

  if (connection_check_negotiating (c) < 0)
    return -1;
  if (nbd_set_export_name (c->nbd, export) < 0 ||
      nbd_aio_opt_go (c->nbd, answer) < 0)
    return connection_fault (c, what);
  if (connection_await_answer (c, what) < 0)
    return -1;
  return c->error == 0 ? 0 : c->error == ENOENT ? 1
    : connection_fault_go (c, export);
}

static int
connection_list_one (void *opaque, const char *name, const char *description)
{
  struct connection *c = opaque;

  if (!c->list_failed &&
      c->list_fn (c->list_opaque, name, description) < 0) {
    c->list_failed = true;
    shutdown (c->list_fd, SHUT_RDWR);   /* no more of it */
  }
  return 0;
}

int
connection_list (struct connection *c, connection_export_fn *fn, void *opaque)
{
  static const char what[] = "listing the exports";
  nbd_completion_callback answer = { .callback = connection_note_answer,
                                     .user_data = c };
  nbd_list_callback each = { .callback = connection_list_one, .user_data = c };

  c->list_fn = fn;
  c->list_opaque = opaque;
  c->list_fd = nbd_aio_get_fd (c->nbd);
  if (connection_check_negotiating (c) < 0)
    return -1;
  if (nbd_aio_opt_list (c->nbd, each, answer) < 0)
    return connection_fault (c, what);
  if (connection_await_answer (c, what) < 0)
    return -1;
  return c->error == 0 ? 0
    : fault ("%s: %s: %s", c->who, what, strerror (c->error));
}

/* --- Requests ----------------------------------------------------------- */

/* Wait until a request is answered.  *error is the error that the server sent,
 * or 0 if no answer came.  ENOTCONN cannot be sent: with it libnbd ends
 * requests that were left without an answer.
 */
static int
connection_complete (struct connection *c, int64_t cookie, const char *what,
                     int *error)
{
  *error = c->error = 0;
  if (cookie < 0)
    return connection_fault (c, what);
  if (connection_wait (c, connection_is_completed, cookie, what) < 0)
    return -1;
  if (c->error == ENOTCONN) {
    c->broken = true;
    return fault ("%s: %s: it hung up without an answer", c->who, what);
  }
  *error = c->error;
  return *error == 0 ? 0
    : fault ("%s: %s: %s", c->who, what, strerror (*error));
}

int
connection_read (struct connection *c, void *buf, size_t n, uint64_t at)
{
  int64_t cookie = nbd_aio_pread (c->nbd, buf, n, at, NBD_NULL_COMPLETION, 0);
  int error, r = connection_complete (c, cookie, "reading", &error);

  /* The server has a limit of memory for what clients read. */
  return error != ENOMEM ? r
    : fault ("%s has no memory for that now: there may be too many readers,"
             " its log says more", c->who);
}

int
connection_write (struct connection *c, const void *buf, size_t n, uint64_t at,
                  int *error)
{
  int64_t cookie = nbd_aio_pwrite (c->nbd, buf, n, at, NBD_NULL_COMPLETION, 0);

  return connection_complete (c, cookie, "writing", error);
}
