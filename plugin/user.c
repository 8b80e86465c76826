/* nbdkit-zram: the user that nbdkit will become.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user.h"

/* Return the user that a command line of n bytes says; the last one counts. */
static const char *
user_in (char *line, size_t n)
{
  char *word = line, *user = NULL, *end = line + n;

  for (; word < end; word += strlen (word) + 1) {
    char *next = word + strlen (word) + 1;

    if (strncmp (word, "--user=", 7) == 0)
      user = word + 7;
    else if (strncmp (word, "-u", 2) == 0 && word[2])
      user = word + 2;
    else if ((strcmp (word, "-u") == 0 || strcmp (word, "--user") == 0) &&
             next < end)
      user = next;
  }
  return user;
}

/* Become a user, by name or number, as nbdkit does it. */
static void
user_become_named (const char *user)
{
  const struct passwd *entry = getpwnam (user);
  uid_t uid = entry ? entry->pw_uid : (uid_t) strtoul (user, NULL, 10);

  if ((entry || (*user && !user[strspn (user, "0123456789")])) &&
      setuid (uid) == -1)
    return;                     /* nbdkit cannot either, and will end */
}

void
user_become (void)
{
  char line[16384];
  int fd = open ("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd == -1 ? 0 : read (fd, line, sizeof line - 1);
  const char *user;

  if (fd != -1)
    close (fd);
  line[n > 0 ? n : 0] = '\0';
  user = user_in (line, n > 0 ? (size_t) n : 0);
  if (user && geteuid () == 0)
    user_become_named (user);
}
