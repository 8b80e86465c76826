/* nbdkit-zram: who may write to the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <sys/socket.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "access.h"

/* Return whether the client is root or has our uid.  Only for a Unix socket
 * does the kernel vouch for the peer's uid, and nbdkit prints an error if it
 * is asked for it on another.
 */
static bool
access_is_local (void)
{
  union {
    struct sockaddr sa;
    struct sockaddr_storage room;
  } peer;
  socklen_t len = sizeof peer;
  int64_t uid;

  if (nbdkit_peer_name (&peer.sa, &len) == -1 || peer.sa.sa_family != AF_UNIX)
    return false;
  uid = nbdkit_peer_uid ();
  return uid == 0 || (uid != -1 && uid == (int64_t) geteuid ());
}

static bool
access_has_tls (void)
{
  return nbdkit_is_tls () == 1;
}

bool
access_granted (enum control control)
{
  switch (control) {
  case CONTROL_RW: return true;
  case CONTROL_TLS: return access_is_local () || access_has_tls ();
  case CONTROL_LOCAL: return access_is_local ();
  case CONTROL_RO: case CONTROL_OFF: break;
  }
  return false;
}

enum asker
access_asker (enum control control)
{
  if (access_is_local ())
    return ASKER_OWNER;
  return access_granted (control) ? ASKER_WRITER : ASKER_READER;
}
