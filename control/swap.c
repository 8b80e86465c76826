/* nbdkit-zram: what makes it safe to swap to a disk of this process.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * When memory is short the kernel writes pages to the disk to get some back,
 * and until the server has answered, it must do without new memory.  What
 * counts was found by experiment (the manual has the table): the server's
 * memory is locked; all that a request touches is resident already; its
 * threads are real-time ones, which the kernel lets use a part of what it
 * keeps below its watermarks; and the little memory that the kernel itself
 * takes for an answer is not got by swapping.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "os.h"
#include "prefault.h"
#include "swap.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

/* Enough for 16 threads that each serve requests of 128 KiB, the largest that
 * Linux sends, and for a connection itself.  A connection has 16 threads with
 * parallel=on, else one.
 */
#define HEAP_BYTES ((size_t) 4 << 20)

/* More than any request was seen to use. */
#define STACK_BYTES 65536

#define WHY_MAX 160

bool swap_on;

/* The steps.  Each returns 0, or an errno, and then says what was refused
 * and what would help.
 */

static int
swap_refused (char why[WHY_MAX], int error, const char *call, const char *help)
{
  snprintf (why, WHY_MAX, "%s: %s; %s", call, strerror (error), help);
  return error;
}

static int
swap_take_oom (char why[WHY_MAX])
{
  static const char file[] = "/proc/self/oom_score_adj", least[] = "-1000";
  char now[16] = "";
  int fd = open (file, O_RDWR | O_CLOEXEC), error = 0;

  /* Whoever started us may have done it. */
  if (fd == -1)
    error = errno;
  else if (!(read (fd, now, sizeof now - 1) > 0 && atoi (now) == -1000) &&
           pwrite (fd, least, strlen (least), 0) == -1)
    error = errno;
  if (fd != -1)
    close (fd);
  return error ? swap_refused (why, error, file, "it takes CAP_SYS_RESOURCE")
    : 0;
}

static int
swap_take_flusher (char why[WHY_MAX])
{
  if (prctl (PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0)
    return 0;
  return swap_refused (why, errno, "PR_SET_IO_FLUSHER",
                       errno == EINVAL ? "it takes Linux 5.6"
                       : "it takes CAP_SYS_RESOURCE");
}

/* Return whether this process has a capability. */
static bool
swap_has_capability (unsigned capability)
{
  struct __user_cap_header_struct head = {
    .version = _LINUX_CAPABILITY_VERSION_3,
  };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

  return syscall (SYS_capget, &head, data) == 0 &&
    data[capability / 32].effective >> capability % 32 & 1;
}

/* Return how many KiB are locked. */
static unsigned long
swap_locked_kib (void)
{
  FILE *fp = fopen ("/proc/self/status", "re");
  char line[256];
  unsigned long n = 0;

  while (fp && fgets (line, sizeof line, fp))
    if (sscanf (line, "VmLck: %lu", &n) == 1)
      break;
  if (fp)
    fclose (fp);
  return n;
}

/* What is mapped counts against the limit, whether it is touched or not; so
 * will the stack of each thread that is made later.  So a limit will not do,
 * even if it is not reached now: the server would fail to serve its next
 * client.
 */
static int
swap_take_lock (char why[WHY_MAX])
{
  struct rlimit limit = { 0 };

  getrlimit (RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && !swap_has_capability (CAP_IPC_LOCK)) {
    snprintf (why, WHY_MAX, "mlockall: it takes CAP_IPC_LOCK or an unlimited"
              " RLIMIT_MEMLOCK, which is %" PRIu64 " KiB",
              (uint64_t) limit.rlim_cur >> 10);
    return EPERM;
  }
  if (mlockall (MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
    return swap_refused (why, errno, "mlockall",
                         errno == EINVAL ? "it takes Linux 4.4"
                         : "it takes CAP_IPC_LOCK");
  if (swap_locked_kib () == 0) {
    snprintf (why, WHY_MAX, "mlockall: nothing is locked, as in builds with"
              " a sanitizer");
    return ENOSYS;
  }
  return 0;
}

/* Make all threads use one heap, which never shrinks and has nothing mapped
 * beside it, and make that resident.
 */
static int
swap_take_heap (char why[WHY_MAX])
{
#ifdef __GLIBC__
  static const struct { int option, value; } options[] = {
    { M_ARENA_MAX, 1 },
    { M_MMAP_THRESHOLD, 32 << 20 },     /* the most it takes */
    { M_TRIM_THRESHOLD, INT_MAX },
    { M_TOP_PAD, 1 << 20 },
  };
  bool in_heap;
  unsigned i;
  char *p, *top;

  os_keep_heap ();
  for (i = 0; i < sizeof options / sizeof options[0]; i++)
    if (!mallopt (options[i].option, options[i].value))
      return swap_refused (why, EINVAL, "mallopt",
                           "it takes the malloc of glibc");
  p = malloc (HEAP_BYTES);
  if (!p)
    return swap_refused (why, ENOMEM, "malloc", "the system has no memory");
  explicit_bzero (p, HEAP_BYTES);
  top = sbrk (0);
  in_heap = p < top && top - p < INT_MAX;
  free (p);
  return in_heap ? 0 : swap_refused (why, ENOSYS, "mallopt",
                                     "it takes the malloc of glibc");
#else
  return swap_refused (why, ENOSYS, "mallopt", "it takes glibc");
#endif
}

static int
swap_take_code (char why[WHY_MAX])
{
  int error = prefault_program ();

  return error ? swap_refused (why, error, "/proc/self/maps",
                               "it takes Linux 5.14") : 0;
}

static int
swap_take_realtime (char why[WHY_MAX])
{
  struct sched_param param = { .sched_priority = 1 };

  if (sched_setscheduler (0, SCHED_RR, &param) == 0)
    return 0;
  return swap_refused (why, errno, "sched_setscheduler", "it takes CAP_SYS_NICE"
                       " or an RLIMIT_RTPRIO of 1");
}

/* The order matters.  First what keeps us alive and out of waiting while the
 * others take memory; then the lock, so that whatever is touched after it
 * stays; then what is touched; real-time scheduling last, so that touching
 * does not keep the rest of the machine waiting.  The disks, with their
 * reserves and threads, come after all of it.
 */
static const struct {
  const char *name;
  bool vital;
  int (*take) (char why[WHY_MAX]);
  const char *lost;
} table[] = {
  { "oom", false, swap_take_oom,
    "when memory is all used the kernel may kill the server, and with it"
    " what was swapped" },
  { "flusher", true, swap_take_flusher,
    "to answer it may wait for pages to be swapped, which wait for it, and"
    " swapping to it then stops this machine" },
  { "lock", true, swap_take_lock,
    "the server itself may be paged out, and swapping to it then stops"
    " this machine" },
  { "heap", true, swap_take_heap,
    "a new client or a larger request may wait for memory" },
  { "code", true, swap_take_code,
    "the server may wait for its own program to be read from disk" },
  { "realtime", true, swap_take_realtime,
    "the kernel's last memory is not for the server, and swapping to it"
    " stops this machine" },
};
#define NSTEPS (sizeof table / sizeof table[0])

static struct swap_step steps[NSTEPS];  /* written before there are threads */
static bool taken;

/* Warning */

/* What was said by swap_prepare already, so as not to say it again. */
static bool foretold[NSTEPS];

static void
swap_warn (const struct swap_server *server, unsigned i, const char *why)
{
  char line[SWAP_WARNING_MAX];

  if (foretold[i])
    return;
  snprintf (line, sizeof line, "swap=true without %s (%s): %s",
            table[i].name, why, table[i].lost);
  server->warn (line);
}

/* Raise a limit as far as we may.  A server that becomes another user keeps
 * its limits, though it loses what root may do.
 */
static void
swap_raise_limit (int which, rlim_t wanted)
{
  struct rlimit limit;

  if (getrlimit (which, &limit) == -1)
    return;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) {
    struct rlimit more = { wanted, wanted };

    if (setrlimit (which, &more) == 0)
      return;
  }
  limit.rlim_cur = limit.rlim_max;
  setrlimit (which, &limit);
}

void
swap_load (void)
{
  unsigned i;

  for (i = 0; i < NSTEPS; i++)
    steps[i] = (struct swap_step) { table[i].name, table[i].vital, false };
}

/* Take one step.  False: it was refused, and why says by what. */
static bool
swap_take_step (const struct swap_server *server, unsigned i,
                char why[WHY_MAX])
{
  if (server->skip & 1u << i) {
    snprintf (why, WHY_MAX, "%s", server->skip_why);
    return false;
  }
  return table[i].take (why) == 0;
}

/* --- The trial ---------------------------------------------------------- */

/* What a child found: why a step was refused, or nothing. */
struct finding {
  char why[NSTEPS][WHY_MAX];
};

/* Try each step.  In a child, which may do to itself what the server will do
 * to itself later.
 */
static void
swap_try_steps (const struct swap_server *server, struct finding *finding)
{
  unsigned i;

  server->become_user ();
  for (i = 0; i < NSTEPS; i++)
    if (swap_take_step (server, i, finding->why[i]))
      finding->why[i][0] = '\0';
}

/* Try the steps in a child.  False: no child could be made, or it failed. */
static bool
swap_run_trial (const struct swap_server *server, struct finding *finding)
{
  int status = -1;
  pid_t pid;

  fflush (NULL);
  pid = fork ();
  if (pid == -1)
    return false;
  if (pid == 0) {
    swap_try_steps (server, finding);
    _exit (0);
  }
  while (waitpid (pid, &status, 0) == -1 && errno == EINTR)
    ;
  return status == 0;
}

/* Warn of steps that will be refused.  Whoever starts a daemon sees what is
 * said before it goes to the background, and nothing of what is said after.
 */
static void
swap_foretell (const struct swap_server *server)
{
  struct finding *finding = mmap (NULL, sizeof *finding,
                                  PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  unsigned i;

  if (finding == MAP_FAILED)
    return;
  if (swap_run_trial (server, finding))
    for (i = 0; i < NSTEPS; i++)
      if (finding->why[i][0]) {
        swap_warn (server, i, finding->why[i]);
        foretold[i] = true;
      }
  munmap (finding, sizeof *finding);
}

void
swap_prepare (const struct swap_server *server)
{
  swap_raise_limit (RLIMIT_MEMLOCK, RLIM_INFINITY);
  swap_raise_limit (RLIMIT_RTPRIO, 1);
  swap_foretell (server);
}

/* --- And the steps ------------------------------------------------------ */

void
swap_take (const struct swap_server *server)
{
  char why[WHY_MAX];
  unsigned i;

  for (i = 0; i < NSTEPS; i++) {
    steps[i].in_force = swap_take_step (server, i, why);
    if (!steps[i].in_force)
      swap_warn (server, i, why);
  }
  taken = swap_on = true;
}

bool
swap_taken (void)
{
  return taken;
}

const struct swap_step *
swap_steps (unsigned *n)
{
  *n = NSTEPS;
  return steps;
}

static void __attribute__ ((noinline))
swap_touch_pages (void)
{
  volatile char stack[STACK_BYTES];
  unsigned i;

  for (i = 0; i < sizeof stack; i += 4096)
    stack[i] = 0;
}

void
swap_touch_stack (void)
{
  static __thread bool touched;

  if (!touched)
    swap_touch_pages ();
  touched = true;
}
