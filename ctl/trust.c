/* nbdzramctl: is a server in the hands of somebody who is not trusted?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "message.h"
#include "must.h"
#include "path-trust.h"
#include "resolve.h"
#include "tcp-owner.h"
#include "timeout.h"
#include "trust.h"

static int
trust_fault_stranger (const char *where, uid_t uid)
{
  return fault ("%s: this server is in the hands of the user %lu, who could"
                " read and change what is kept there; --force takes it all"
                " the same", where, (unsigned long) uid);
}

/* --- Unix sockets -------------------------------------------------------- */

/* Check who listens at a socket, who owns it, and who could put another one in
 * its place, because he owns a directory or may write to it.
 */
static int
trust_check_socket (const char *sock, const struct export *e)
{
  FREED char *dir = NULL;
  uid_t uid = e->owner;

  if ((e->has_owner && !path_trusts (uid)) || path_find_stranger (sock, &uid))
    return trust_fault_stranger (sock, uid);
  dir = path_find_open_directory (sock);
  return !dir ? 0
    : fault ("%s: others may write to %s, and so can put their own server"
             " there; --force takes it all the same", sock, dir);
}

/* --- TCP ------------------------------------------------------------------ */

static bool
trust_is_stranger (uid_t uid, void *opaque)
{
  uid_t *stranger = opaque;

  *stranger = uid;
  return !path_trusts (uid);
}

/* Look at all who listen there.  *known: somebody does, and is trusted. */
static int
trust_check_port (const struct attachment *a, bool *known)
{
  const struct address *p = &a->address;
  FREED char *where = must_printf ("%s port %s", p->host, p->port);
  struct endpoints at;
  uid_t uid = 0;

  *known = false;
  if (resolve (p->host, p->port, timeout_deadline (), &at) < 0)
    return -1;
  *known = !resolve_is_local (&at) ||
    tcp_owners (&at, trust_is_stranger, &uid) > 0;
  return path_trusts (uid) ? 0 : trust_fault_stranger (where, uid);
}

int
trust_check_owner (const struct attachment *a, const struct export *e)
{
  bool known;

  return a->address.socket ? trust_check_socket (a->address.socket, e)
                           : trust_check_port (a, &known);
}

int
trust_check_private (const struct attachment *a, const struct export *e)
{
  const struct address *p = &a->address;
  bool known = true;

  if (p->socket ? trust_check_socket (p->socket, e) < 0
                : trust_check_port (a, &known) < 0)
    return -1;
  if (!known)
    return fault ("%s port %s: it cannot be found out which user of this"
                  " machine listens there; --force takes it all the same",
                  p->host, p->port);
  if (p->socket && path_lets_others_connect (p->socket))
    return fault ("%s: its mode lets other users connect, and read what is"
                  " kept there; --force takes it all the same", p->socket);
  return 0;
}
