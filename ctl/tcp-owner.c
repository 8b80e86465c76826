/* nbdzramctl: which user listens at a TCP port of this machine.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * /proc/net/tcp and tcp6 have a line for each socket:
 *   number: address:port peer:port state queues timer retries uid ...
 * An address is one or four hexadecimal numbers, each in the byte order of
 * this machine.
 */

#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "must.h"
#include "tcp-owner.h"

#define STATE_LISTEN 0x0a

struct listener {
  unsigned char address[16];    /* IPv4 as IPv6 has it */
  unsigned port;
  uid_t uid;
};

static const unsigned char mapped[12] = {
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

/* Read the address, of 8 or 32 digits.  False: it is none. */
static bool
tcp_read_address (const char *digits, unsigned char address[16])
{
  size_t i, n = strlen (digits), words = n / 8;
  uint32_t word[4];

  if (n != 8 && n != 32)
    return false;
  for (i = 0; i < words; i++)
    if (sscanf (digits + 8 * i, "%8x", &word[i]) != 1)
      return false;
  memcpy (address, mapped, sizeof mapped);
  memcpy (address + 16 - 4 * words, word, 4 * words);
  return true;
}

static bool
tcp_read_listener (const char *line, struct listener *l)
{
  char digits[33];
  unsigned state, uid;

  if (sscanf (line, " %*u: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %u", digits,
              &l->port, &state, &uid) != 4 || state != STATE_LISTEN)
    return false;
  l->uid = uid;
  return tcp_read_address (digits, l->address);
}

/* Say whether it is 0.0.0.0 or ::, which means all addresses. */
static bool
tcp_is_any (const unsigned char address[16])
{
  static const unsigned char zeroes[16];

  return memcmp (address, zeroes, 16) == 0 ||
         (memcmp (address, mapped, 12) == 0 &&
          memcmp (address + 12, zeroes, 4) == 0);
}

/* Get the address as IPv6 has it.  Return the port. */
static unsigned
tcp_address_of (const struct sockaddr_storage *sa, unsigned char address[16])
{
  const struct sockaddr_in *four = (const void *) sa;
  const struct sockaddr_in6 *six = (const void *) sa;

  if (sa->ss_family != AF_INET) {
    memcpy (address, &six->sin6_addr, 16);
    return ntohs (six->sin6_port);
  }
  memcpy (address, mapped, 12);
  memcpy (address + 12, &four->sin_addr, 4);
  return ntohs (four->sin_port);
}

static bool
tcp_is_at (const struct listener *l, const struct sockaddr_storage *sa)
{
  unsigned char wanted[16];
  unsigned port = tcp_address_of (sa, wanted);

  return l->port == port &&
         (tcp_is_any (l->address) || tcp_is_any (wanted) ||
          memcmp (l->address, wanted, 16) == 0);
}

static bool
tcp_is_one_of (const struct listener *l, const struct endpoints *a)
{
  unsigned i;

  for (i = 0; i < a->n; i++)
    if (tcp_is_at (l, &a->list[i].sa))
      return true;
  return false;
}

/* Look through one file.  Return true if fn did. */
static bool
tcp_look (const char *name, const struct endpoints *a, tcp_owner_fn *fn,
          void *opaque, unsigned *n)
{
  FREED char *text = machine_text ("%s/proc/net/%s", machine_root (), name);
  char *rest = text, *line;
  struct listener l;
  bool end = false;

  while (!end && (line = strsep (&rest, "\n"))) {
    if (tcp_read_listener (line, &l) && tcp_is_one_of (&l, a)) {
      (*n)++;
      end = fn (l.uid, opaque);
    }
  }
  return end;
}

unsigned
tcp_owners (const struct endpoints *a, tcp_owner_fn *fn, void *opaque)
{
  unsigned n = 0;

  if (!tcp_look ("tcp", a, fn, opaque, &n))
    tcp_look ("tcp6", a, fn, opaque, &n);
  return n;
}
