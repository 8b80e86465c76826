/* nbdzramctl: the addresses of hosts.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * getaddrinfo waits for name servers as long as it likes and cannot be told
 * to stop.  So a child asks, and is killed when time is up.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "must.h"
#include "resolve.h"
#include "wait.h"

/* Look a host up, and wait.  Return getaddrinfo's status; 0: there is at least
 * one address.
 */
static int
resolve_now (const char *host, const char *port, int flags, struct endpoints *a)
{
  const struct addrinfo hints = {
    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags,
  };
  struct addrinfo *list = NULL, *i;
  int r = getaddrinfo (host, port, &hints, &list);

  memset (a, 0, sizeof *a);
  if (r != 0)
    return r;
  for (i = list; i && a->n < ENDPOINTS_MAX; i = i->ai_next) {
    memcpy (&a->list[a->n].sa, i->ai_addr, i->ai_addrlen);
    a->list[a->n++].length = i->ai_addrlen;
  }
  freeaddrinfo (list);
  return a->n ? 0 : EAI_NONAME;
}

/* The child's answer, which fits a pipe in one piece. */
struct answer {
  int status;
  struct endpoints endpoints;
};

static pid_t
resolve_begin_child (const char *host, const char *port, int to)
{
  struct answer answer;
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  memset (&answer, 0, sizeof answer);
  answer.status = resolve_now (host, port, 0, &answer.endpoints);
  _exit (write (to, &answer, sizeof answer) != sizeof answer);
}

/* Read all of it.  -1 with a fault, also if the child has died. */
static int
resolve_read (int from, struct answer *answer, uint64_t deadline,
              const char *who)
{
  char *p = (char *) answer;
  size_t done = 0;
  ssize_t n;

  do {
    if (wait_file (from, POLLIN, deadline, who) < 0)
      return -1;
    n = read (from, p + done, sizeof *answer - done);
    done += n > 0 ? (size_t) n : 0;
  } while (n > 0 && done < sizeof *answer);
  return done == sizeof *answer ? 0 : fault ("%s: the look-up failed", who);
}

static void
resolve_end_child (pid_t pid)
{
  kill (pid, SIGKILL);
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    ;
}

static int
resolve_in_child (const char *host, const char *port, uint64_t deadline,
                  struct answer *answer)
{
  FREED char *who = must_printf ("the look-up of %s", host);
  int fds[2], r;
  pid_t pid;

  if (pipe2 (fds, O_CLOEXEC) < 0)
    return fault ("pipe: %s", strerror (errno));
  pid = resolve_begin_child (host, port, fds[1]);
  close (fds[1]);
  r = pid < 0 ? fault ("fork: %s", strerror (errno))
              : resolve_read (fds[0], answer, deadline, who);
  close (fds[0]);
  if (pid > 0)
    resolve_end_child (pid);
  return r;
}

int
resolve (const char *host, const char *port, uint64_t deadline,
         struct endpoints *a)
{
  struct answer answer;

  /* Numbers need no name server. */
  if (resolve_now (host, port, AI_NUMERICHOST | AI_NUMERICSERV, a) == 0)
    return 0;
  if (resolve_in_child (host, port, deadline, &answer) < 0)
    return -1;
  *a = answer.endpoints;
  if (answer.status == 0)
    return 0;
  return fault ("%s: %s", host, gai_strerror (answer.status));
}

/* --- Is it this machine? ------------------------------------------------- */

/* Return the bytes of an address, and how many: 4 or 16.  IPv4 within IPv6
 * counts as IPv4.
 */
static const unsigned char *
resolve_bytes (const struct sockaddr *sa, size_t *n)
{
  const struct sockaddr_in *four = (const void *) sa;
  const struct sockaddr_in6 *six = (const void *) sa;

  *n = sa->sa_family == AF_INET ? 4 : sa->sa_family == AF_INET6 ? 16 : 0;
  if (*n == 16 && IN6_IS_ADDR_V4MAPPED (&six->sin6_addr)) {
    *n = 4;
    return six->sin6_addr.s6_addr + 12;
  }
  return *n == 16 ? six->sin6_addr.s6_addr
                  : (const unsigned char *) &four->sin_addr;
}

/* Match 127.0.0.0/8 and ::1; also 0.0.0.0/8 and ::, which connect to this
 * machine too.
 */
static bool
resolve_is_loopback (const unsigned char *bytes, size_t n)
{
  static const unsigned char zeroes[15];

  return n == 4 ? bytes[0] == 127 || bytes[0] == 0
    : n == 16 && memcmp (bytes, zeroes, 15) == 0 && bytes[15] <= 1;
}

static bool
resolve_is_one_of (const struct ifaddrs *list, const unsigned char *bytes,
                   size_t n)
{
  const unsigned char *own;
  size_t n_own;

  for (; list; list = list->ifa_next) {
    if (!list->ifa_addr)
      continue;
    own = resolve_bytes (list->ifa_addr, &n_own);
    if (n && n_own == n && memcmp (own, bytes, n) == 0)
      return true;
  }
  return false;
}

bool
resolve_is_local (const struct endpoints *a)
{
  struct ifaddrs *own = NULL;
  const unsigned char *bytes;
  bool yes = false;
  unsigned i;
  size_t n;

  if (getifaddrs (&own) < 0)
    own = NULL;
  for (i = 0; i < a->n && !yes; i++) {
    bytes = resolve_bytes ((const struct sockaddr *) &a->list[i].sa, &n);
    yes = resolve_is_loopback (bytes, n) || resolve_is_one_of (own, bytes, n);
  }
  freeifaddrs (own);
  return yes;
}
