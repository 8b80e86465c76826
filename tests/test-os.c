/* nbdkit-zram: memory that is locked, kernels that lack what newer ones
 * have, and threads in the background.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The linker puts the madvise here in the place of the system's, so that
 * advice can be refused as an older kernel would.
 */

#include <config.h>

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disklib.h"
#include "os.h"

#define BYTES ((size_t) 1 << 20)
#define PAGES (BYTES / 4096)

/* What Linux 5.14 and 5.18 brought. */
#define POPULATE_WRITE 23
#define DONTNEED_LOCKED 24

static bool old;                /* a kernel that has neither */
static unsigned asked[32];      /* how often, by advice */

extern int __real_madvise (void *p, size_t bytes, int advice);
extern int __wrap_madvise (void *p, size_t bytes, int advice);
int
__wrap_madvise (void *p, size_t bytes, int advice)
{
  if (advice >= 0 && advice < 32)
    asked[advice]++;
  if (old && (advice == POPULATE_WRITE || advice == DONTNEED_LOCKED)) {
    errno = EINVAL;
    return -1;
  }
  return __real_madvise (p, bytes, advice);
}

static size_t
resident (const void *p)
{
  unsigned char in[PAGES];
  size_t i, n = 0;

  CHECK (mincore ((void *) (uintptr_t) p, BYTES, in) == 0);
  for (i = 0; i < PAGES; ++i)
    n += in[i] & 1;
  return n;
}

/* KiB of the mapping at p that are locked. */
static unsigned long
locked (const void *p)
{
  FILE *fp = fopen ("/proc/self/smaps", "r");
  unsigned long from, to, n = 0, sum = 0;
  bool here = false;
  char line[512];

  CHECK (fp != NULL);
  while (fgets (line, sizeof line, fp)) {
    if (sscanf (line, "%lx-%lx ", &from, &to) == 2)
      here = from < (uintptr_t) p + BYTES && to > (uintptr_t) p;
    else if (here && sscanf (line, "Locked: %lu", &n) == 1)
      sum += n;
  }
  fclose (fp);
  return sum;
}

static void
test_populate (void)
{
  char *p = os_map (BYTES);

  CHECK (p && resident (p) == 0);
  os_populate (p, 0);
  CHECK (resident (p) == 0);
  os_populate (p + 4095, 2);            /* the end of one, the next's begin */
  CHECK (resident (p) == 2);
  strcpy (p + 100, "not lost");
  os_populate (p, BYTES);
  CHECK (resident (p) == PAGES);
  CHECK (strcmp (p + 100, "not lost") == 0);
  p[100] = 0;
  memset (p + 100, 0, 9);
  CHECK (is_zero ((unsigned char *) p, BYTES));
  os_give_back (p + 4096, BYTES - 8192);
  CHECK (resident (p) == 2);
  os_unmap (p, BYTES);
}

/* Locked when touched, as mlockall does it, and given back: it is as large
 * as it looks, and what comes anew is locked again.
 */
static void
test_locked (void)
{
  char *p = os_map (BYTES);

  CHECK (p && mlock2 (p, BYTES, MLOCK_ONFAULT) == 0);
  CHECK (resident (p) == 0);
  memset (p, 1, BYTES);
  CHECK (locked (p) == BYTES / 1024);
  os_give_back (p, BYTES);
  CHECK (resident (p) == 0 && locked (p) == 0);
  CHECK (p[0] == 0 && p[BYTES - 1] == 0);
  memset (p, 2, BYTES / 2);
  CHECK (locked (p) >= BYTES / 2048);
  os_give_back (p, BYTES);
  os_give_back (p + 8192, 4096);
  CHECK (resident (p) == 0);
  memset (p, 3, BYTES);
  CHECK (locked (p) == BYTES / 1024);
  os_unmap (p, BYTES);
}

/* A thread that is let go into the background comes back, or does not go:
 * without privileges the system would not let it.
 */
static void
test_background (bool privileged)
{
  const struct rlimit none = { 0, 0 };
  int status;
  pid_t pid = fork ();

  if (pid == 0) {
    CHECK (setrlimit (RLIMIT_NICE, &none) == 0 || !privileged);
    if (!privileged && geteuid () == 0)
      CHECK (setgid (65534) == 0 && setuid (65534) == 0);
    os_background (true);
    if (privileged && sched_getscheduler (0) != SCHED_IDLE)
      _exit (2);
    os_background (false);
    _exit (sched_getscheduler (0) == SCHED_OTHER ? 0 : 1);
  }
  CHECK (pid > 0 && waitpid (pid, &status, 0) == pid);
  CHECK (WIFEXITED (status));
  if (privileged && WEXITSTATUS (status) == 2)
    printf ("no privilege to change to SCHED_IDLE and back\n");
  else
    CHECK (WEXITSTATUS (status) == 0);
}

int
main (void)
{
  unsigned before;

  test_background (false);
  test_background (geteuid () == 0);
  test_populate ();
  CHECK (asked[POPULATE_WRITE] == 2);
  old = true;
  test_populate ();
  /* What the sanitizers put in munlock's place does nothing. */
  if (!SANITIZED)
    test_locked ();
  old = false;
  test_locked ();
  /* What the kernel refused once is not tried every time. */
  before = asked[MADV_DONTNEED];
  test_locked ();
  test_populate ();
  CHECK (asked[MADV_DONTNEED] == before && asked[DONTNEED_LOCKED] > 3);
  return 0;
}
