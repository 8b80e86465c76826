/* nbdkit-zram: may requests of one connection run in parallel?
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit serves a connection with 16 threads if the plugin allows it.  In
 * nbdkit 1.32.4 and 1.32.5, and in 1.33.3 to 1.33.9, a client that goes away
 * while two of them have something to send ends the server: the one closes
 * the socket, the other fails an assertion (raw_send_socket), or sends into
 * a socket that another client was given meanwhile.  All that the disks hold
 * is lost.  With one thread a connection nobody else can send.
 */

#include <config.h>

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "parallel.h"

enum choice { AUTO, ON, OFF };

static const char *const choices[] = {
  [AUTO] = "auto", [ON] = "on", [OFF] = "off",
};
static enum choice choice;

bool
parallel_set (const char *value)
{
  unsigned i;

  for (i = 0; i < sizeof choices / sizeof choices[0]; i++)
    if (strcmp (choices[i], value) == 0) {
      choice = i;
      return true;
    }
  return false;
}

/* nbdkit does not tell plugins its version, so we look for a function that
 * came after the fix.  That was in 1.33.10 ("server: Don't assert on send if
 * client hangs up early"); nbdkit_parse_probability came with 1.36, as its
 * manual says.  (nbdkit_disconnect came with 1.33.3, so it proves nothing.)
 * 1.34 has the fix and no new function: it counts as unsafe, like versions
 * before the defect.
 */
bool
parallel_is_safe (void)
{
  return dlsym (RTLD_DEFAULT, "nbdkit_parse_probability") != NULL;
}

bool
parallel_on (void)
{
  return choice == ON || (choice == AUTO && parallel_is_safe ());
}
