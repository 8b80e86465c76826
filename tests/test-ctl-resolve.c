/* Test of ctl/resolve.c: looking hosts up within a time, and knowing this
 * machine by all of its endpoints.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <net/if.h>
#include <unistd.h>

#include "testlib.h"

#include "../ctl/message.h"
#include "../ctl/must.h"
#include "../ctl/resolve.h"
#include "../ctl/timeout.h"

static void
check_local (const char *host, bool local)
{
  struct endpoints a;

  if (resolve (host, "10809", timeout_deadline (), &a) < 0)
    fail ("%s: %s", host, fault_text ());
  if (resolve_is_local (&a) != local)
    fail ("%s is %s for this machine", host, local ? "not taken" : "taken");
}

static void
test_numbers (void)
{
  static const char *const local[] = {
    "127.0.0.1", "127.1.2.3", "127.1", "2130706433", "0.0.0.0", "0", "::1",
    "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "localhost",
  };
  static const char *const others[] = {
    "198.51.100.7", "2001:db8::7", "::ffff:198.51.100.7", "::2",
    "::127.0.0.1", "128.0.0.1",
  };
  size_t i;

  for (i = 0; i < sizeof local / sizeof local[0]; i++)
    check_local (local[i], true);
  for (i = 0; i < sizeof others / sizeof others[0]; i++)
    check_local (others[i], false);
}

/* With the interface, as link-local endpoints must have it. */
static void
test_own_addresses (void)
{
  struct ifaddrs *list, *i;
  char host[NI_MAXHOST], *mapped;

  CHECK (getifaddrs (&list) == 0);
  for (i = list; i; i = i->ifa_next) {
    int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

    if (family != AF_INET && family != AF_INET6)
      continue;
    CHECK (getnameinfo (i->ifa_addr, family == AF_INET
                        ? sizeof (struct sockaddr_in)
                        : sizeof (struct sockaddr_in6), host, sizeof host,
                        NULL, 0, NI_NUMERICHOST) == 0);
    check_local (host, true);
    if (family == AF_INET) {
      mapped = must_printf ("::ffff:%s", host);
      check_local (mapped, true);
      free (mapped);
    }
  }
  freeifaddrs (list);
}

static void
test_faults (void)
{
  struct endpoints a;
  uint64_t before = clock_ms ();

  if (resolve ("no such host", "1", timeout_deadline (), &a) == 0)
    fail ("a host that cannot be is found");
  CHECK (strstr (fault_text (), "no such host"));
  /* Time is up before the child can have said anything. */
  if (resolve ("localhost", "1", before, &a) == 0)
    fail ("a look-up takes no time");
  CHECK (strstr (fault_text (), "the look-up of localhost has not answered"));
}

int
main (void)
{
  test_numbers ();
  test_own_addresses ();
  test_faults ();
  return 0;
}
