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

#include "ctl.h"
#include "link.h"
#include "place.h"
#include "resolve.h"
#include "tick.h"
#include "wait.h"

/* To say good-bye is polite, no more. */
#define GOODBYE_MS 1000

struct link {
  struct nbd_handle *nbd;
  const char *uri;
  char *who;
  uint64_t deadline;
  bool broken;                  /* nothing more can be said */
  /* What is being negotiated. */
  bool answered, wants_tls;
  int error;
  link_export_fn *list_fn;
  void *list_opaque;
  int list_fd;
  bool list_failed;
};

/* What went wrong in libnbd's words, without the name of its function.  They
 * may quote the server's.
 */
static int
fault_nbd (const struct link *l, const char *what)
{
  const char *words = nbd_get_error (), *colon;
  char *safe;

  colon = words ? strstr (words, ": ") : NULL;
  if (colon && strncmp (words, "nbd_", 4) == 0)
    words = colon + 2;
  safe = text_escape (words ? words : strerror (nbd_get_errno ()));
  fault ("%s: %s: %s", l->who, what, safe);
  free (safe);
  return -1;
}

/* --- Waiting ------------------------------------------------------------ */

typedef bool done_fn (struct link *l, int64_t cookie);

/* One step of time.  The connection is of no use after a fault. */
static int
step (struct link *l, const char *what)
{
  int ms = wait_step (l->deadline, l->who);

  if (ms < 0 || l->list_failed) {
    l->broken = true;
    return -1;
  }
  if (nbd_poll (l->nbd, ms) >= 0 || nbd_get_errno () == EINTR)
    return 0;
  l->broken = true;
  l->error = nbd_get_errno ();
  /* It may be that we have cut it off: see tick.c. */
  return l->list_failed || wait_step (l->deadline, l->who) < 0
    ? -1 : fault_nbd (l, what);
}

static int
await (struct link *l, done_fn *done, int64_t cookie, const char *what)
{
  tick_socket (nbd_aio_get_fd (l->nbd));
  while (!done (l, cookie))
    if (step (l, what) < 0)
      return -1;
  return 0;
}

static bool
is_gone (struct link *l)
{
  return nbd_aio_is_closed (l->nbd) == 1 || nbd_aio_is_dead (l->nbd) == 1;
}

static bool
is_connected (struct link *l, int64_t cookie)
{
  (void) cookie;
  return nbd_aio_is_connecting (l->nbd) != 1 || is_gone (l);
}

static bool
is_answered (struct link *l, int64_t cookie)
{
  (void) cookie;
  return (l->answered && nbd_aio_is_connecting (l->nbd) != 1) ||
         is_gone (l);
}

static bool
is_completed (struct link *l, int64_t cookie)
{
  int r = nbd_aio_command_completed (l->nbd, (uint64_t) cookie);

  /* It is told once. */
  if (r < 0)
    l->error = nbd_get_errno ();
  return r != 0;
}

/* --- Connecting --------------------------------------------------------- */

static int
fault_connect (struct link *l, int error)
{
  const char *uri = l->who + sizeof "the server at " - 1;

  l->broken = true;
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

/* A connected socket, or -1 with a fault. */
static int
connect_one (struct link *l, const struct addresses *a, unsigned i,
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
    if (wait_file (fd, POLLOUT, deadline, l->who) < 0) {
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
  return fault_connect (l, *error);
}

/* An address that does not answer leaves time for the others. */
static int
connect_addresses (struct link *l, const struct addresses *a)
{
  int fd = -1, error = 0;
  unsigned i;

  for (i = 0; i < a->n && fd < 0; i++) {
    uint64_t now = wait_now (), share = l->deadline > now
      ? (l->deadline - now) / (a->n - i) : 0;

    fd = connect_one (l, a, i, now + share, &error);
  }
  if (fd < 0)
    return -1;
  l->broken = false;
  return nbd_aio_connect_socket (l->nbd, fd) == 0
    ? 0 : fault_nbd (l, "connecting");
}

/* libnbd takes one that is missing for a server that is. */
static int
check_file (const char *uri, const char *key)
{
  char *path = place_query (uri, key);
  int r = 0;

  if (path && access (path, R_OK) < 0)
    r = fault ("%s=%s: %s", key, path, strerror (errno));
  free (path);
  return r;
}

/* libnbd looks hosts up without end, so the name is tried before; and for
 * TLS it must be libnbd that connects, because it compares the name with the
 * certificate.
 */
static int
connect_uri (struct link *l)
{
  bool tls = strncasecmp (l->uri, "nbds", 4) == 0;
  struct addresses a;
  struct place p;
  int r = 0;

  if (check_file (l->uri, "tls-psk-file") < 0 ||
      check_file (l->uri, "tls-certificates") < 0)
    return -1;
  if (place_of_uri (l->uri, &p) == 0) {
    r = p.host ? resolve (p.host, p.port, l->deadline, &a) : 0;
    if (r == 0 && p.host && !tls) {
      place_free (&p);
      return connect_addresses (l, &a);
    }
    place_free (&p);
  }
  if (r < 0)
    return -1;
  if (nbd_aio_connect_uri (l->nbd, l->uri) == 0)
    return 0;
  return nbd_get_errno () == ECONNREFUSED || nbd_get_errno () == ENOENT
    ? fault_connect (l, nbd_get_errno ()) : fault_nbd (l, "connecting");
}

static int
connect_path (struct link *l)
{
  if (nbd_aio_connect_unix (l->nbd, l->uri) == 0)
    return 0;
  return fault_connect (l, nbd_get_errno ());
}

static int
begin (struct link *l)
{
  if (!l->nbd)
    return fault ("libnbd: %s", strerror (nbd_get_errno ()));
  if (nbd_set_opt_mode (l->nbd, true) < 0 ||
      nbd_set_uri_allow_local_file (l->nbd, true) < 0)
    return fault_nbd (l, "libnbd");
  if ((strstr (l->uri, "://") ? connect_uri (l) : connect_path (l)) < 0)
    return -1;
  if (await (l, is_connected, 0, "connecting") < 0)
    return l->error == ECONNREFUSED || l->error == ENOENT
      ? fault_connect (l, l->error) : -1;
  return is_gone (l) ? fault_nbd (l, "connecting") : 0;
}

struct link *
link_open (const char *uri)
{
  struct link *l = must_alloc (1, sizeof *l);
  char *safe = text_escape (uri);

  l->uri = uri;
  l->who = must_printf ("the server at %s", safe);
  l->deadline = wait_deadline ();
  l->nbd = nbd_create ();
  free (safe);
  tick_begin (l->deadline);
  if (begin (l) == 0)
    return l;
  l->broken = true;
  link_close (l);
  return NULL;
}

void
link_renew (struct link *l)
{
  l->deadline = wait_deadline ();
  tick_begin (l->deadline);
}

/* Politely, so that the server logs nothing; and silently, for the fault
 * that there may be is the one that counts.
 */
static void
say_goodbye (struct link *l)
{
  uint64_t until = wait_now () + GOODBYE_MS;

  if (nbd_aio_is_negotiating (l->nbd) == 1)
    nbd_aio_opt_abort (l->nbd);
  else if (nbd_aio_is_ready (l->nbd) == 1)
    nbd_aio_disconnect (l->nbd, 0);
  while (!is_gone (l) && wait_now () < until)
    if (nbd_poll (l->nbd, GOODBYE_MS / 10) < 0 && nbd_get_errno () != EINTR)
      break;
}

void
link_close (struct link *l)
{
  if (!l)
    return;
  if (!l->broken)
    say_goodbye (l);
  nbd_close (l->nbd);
  tick_end ();
  free (l->who);
  free (l);
}

struct nbd_handle *
link_nbd (const struct link *l)
{
  return l->nbd;
}

const char *
link_who (const struct link *l)
{
  return l->who;
}

bool
link_peer (const struct link *l, uid_t *uid)
{
  struct ucred peer;
  struct sockaddr_storage sa;
  socklen_t n = sizeof sa, length = sizeof peer;
  int fd = nbd_aio_get_fd (l->nbd);

  if (getpeername (fd, (struct sockaddr *) &sa, &n) < 0 ||
      sa.ss_family != AF_UNIX ||
      getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
    return false;
  *uid = peer.uid;
  return true;
}

/* --- Negotiating -------------------------------------------------------- */

static int
note_answer (void *opaque, int *error)
{
  struct link *l = opaque;

  const char *words = nbd_get_error ();

  l->answered = true;
  l->error = *error;
  l->wants_tls = words && strstr (words, "TLS");
  return 1;
}

/* A server of the oldest kind is past the choice already. */
static int
check_negotiating (struct link *l)
{
  l->answered = false;
  l->error = 0;
  if (nbd_aio_is_negotiating (l->nbd) == 1)
    return 0;
  return fault ("%s does not let clients choose an export (nbdkit -o?)",
                l->who);
}

static int
fault_go (struct link *l, const char *export)
{
  char *safe;

  if (l->wants_tls && nbd_get_tls_negotiated (l->nbd) != 1)
    return fault ("%s wants TLS: say nbds:// instead of nbd://", l->who);
  safe = text_escape (export);
  fault ("%s: cannot open the export %s: %s", l->who, safe,
         l->error == ENOTSUP ? "the server refuses it" : strerror (l->error));
  free (safe);
  return -1;
}

int
link_go (struct link *l, const char *export)
{
  nbd_completion_callback answer = { .callback = note_answer,
                                     .user_data = l };

  if (check_negotiating (l) < 0)
    return -1;
  if (nbd_set_export_name (l->nbd, export) < 0 ||
      nbd_aio_opt_go (l->nbd, answer) < 0)
    return fault_nbd (l, "choosing an export");
  if (await (l, is_answered, 0, "choosing an export") < 0)
    return -1;
  if (is_gone (l) && !l->answered)
    return fault_nbd (l, "choosing an export");
  return l->error == 0 ? 0 : l->error == ENOENT ? 1 : fault_go (l, export);
}

static int
list_one (void *opaque, const char *name, const char *description)
{
  struct link *l = opaque;

  if (!l->list_failed &&
      l->list_fn (l->list_opaque, name, description) < 0) {
    l->list_failed = true;
    shutdown (l->list_fd, SHUT_RDWR);   /* no more of it */
  }
  return 0;
}

int
link_list (struct link *l, link_export_fn *fn, void *opaque)
{
  nbd_completion_callback answer = { .callback = note_answer,
                                     .user_data = l };
  nbd_list_callback each = { .callback = list_one, .user_data = l };

  l->list_fn = fn;
  l->list_opaque = opaque;
  l->list_fd = nbd_aio_get_fd (l->nbd);
  if (check_negotiating (l) < 0)
    return -1;
  if (nbd_aio_opt_list (l->nbd, each, answer) < 0)
    return fault_nbd (l, "listing the exports");
  if (await (l, is_answered, 0, "listing the exports") < 0)
    return -1;
  if (l->list_failed)
    return -1;
  if (!l->answered)
    return fault_nbd (l, "listing the exports");
  return l->error == 0 ? 0
    : fault ("%s: listing the exports: %s", l->who, strerror (l->error));
}

/* --- Requests ----------------------------------------------------------- */

/* *error is what the server said, 0 if it said nothing. */
static int
complete (struct link *l, int64_t cookie, const char *what, int *error)
{
  *error = l->error = 0;
  if (cookie < 0)
    return fault_nbd (l, what);
  if (await (l, is_completed, cookie, what) < 0)
    return -1;
  *error = l->error;
  return *error == 0 ? 0
    : fault ("%s: %s: %s", l->who, what, strerror (*error));
}

int
link_read (struct link *l, void *buf, size_t n, uint64_t at)
{
  int error, r = complete (l, nbd_aio_pread (l->nbd, buf, n, at,
                                             NBD_NULL_COMPLETION, 0),
                           "reading", &error);

  /* The memory for what clients read has a bound. */
  return error != ENOMEM ? r
    : fault ("%s has no memory for that now: there may be too many readers,"
             " its log says more", l->who);
}

int
link_write (struct link *l, const void *buf, size_t n, uint64_t at,
            int *error)
{
  return complete (l, nbd_aio_pwrite (l->nbd, buf, n, at,
                                      NBD_NULL_COMPLETION, 0),
                   "writing", error);
}
