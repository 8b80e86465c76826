/* nbdzramctl: the words that nbd-client is told.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "message.h"
#include "must.h"
#include "nbd-client.h"
#include "number-text.h"

bool
nbd_uses_tls (const char *uri)
{
  return strncasecmp (uri, "nbds", 4) == 0;
}

static const char *
nbd_client_file (struct program *p, const char *dir, const char *name)
{
  const char *path = program_keep (p, must_printf ("%s/%s", dir, name));

  return access (path, F_OK) == 0 ? path : NULL;
}

/* Add the files of a directory, named as nbdkit and libnbd name them.  Without
 * the certificate of a CA, which nbd-client does not ask for, anybody would be
 * trusted.  -1 with a fault.
 */
static int
nbd_client_tls (struct program *p, const struct attachment *a)
{
  const char *psk = program_keep (p, address_query (a->uri, "tls-psk-file"));
  const char *dir =
    program_keep (p, address_query (a->uri, "tls-certificates"));
  const char *host = program_keep (p, address_query (a->uri, "tls-hostname"));
  const char *ca, *cert, *key;

  if (psk)
    return fault ("%s: nbd-client knows no pre-shared keys, only"
                  " tls-certificates=DIR", a->uri);
  if (!dir)
    return fault ("%s: nbd-client needs the certificates to be named: add"
                  " ?tls-certificates=DIR", a->uri);
  ca = nbd_client_file (p, dir, "ca-cert.pem");
  if (!ca)
    return fault ("%s/ca-cert.pem: %s", dir, strerror (errno));
  cert = nbd_client_file (p, dir, "client-cert.pem");
  key = nbd_client_file (p, dir, "client-key.pem");
  if (!cert != !key)
    return fault ("%s: client-cert.pem and client-key.pem need each other",
                  dir);
  if (!host)
    host = a->address.host ? a->address.host : "localhost";
  program_add (p, "-A", ca, "-H", host, NULL);
  if (cert)
    program_add (p, "-F", cert, "-K", key, NULL);
  return 0;
}

/* What nbd-client would take for something else. */
int
nbd_client_check (const struct attachment *a)
{
  const struct address *p = &a->address;

  if (p->socket && strchr (p->socket, '='))
    return fault ("%s: nbd-client takes no path with a = in it", p->socket);
  if (p->host && *p->host == '-')
    return fault ("%s: this is no name of a host", p->host);
  if (p->port && !text_is_digits (p->port))
    return fault ("%s: nbd-client takes only numbers for ports", p->port);
  return 0;
}

int
nbd_client_words (struct program *p, const struct attachment *a)
{
  const struct address *address = &a->address;

  memset (p, 0, sizeof *p);
  program_add (p, "nbd-client", NULL);
  if (address->socket)
    program_add (p, "-unix", address->socket, a->path, NULL);
  else
    program_add (p, address->host, address->port, a->path, NULL);
  program_add (p, "-N", address->export, "-b", NULL);
  program_printf (p, "%u", a->block_size);
  program_add (p, "-C", NULL);
  program_printf (p, "%" PRIu64, a->connections);
  if (a->timeout) {
    program_add (p, "-t", NULL);
    program_printf (p, "%" PRIu64, a->timeout);
  }
  if (a->swap)
    program_add (p, "-swap", NULL);
  return nbd_uses_tls (a->uri) ? nbd_client_tls (p, a) : 0;
}
