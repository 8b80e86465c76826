/* nbdzramctl: running other programs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The signals that end a program are blocked and waited for together with
 * the child, so none can slip in between two steps.  A child is in a process
 * group of its own: Ctrl-C comes to the tool alone, which ends the child and
 * then takes back what was done before.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "interrupt.h"
#include "message.h"
#include "must.h"
#include "subprocess.h"
#include "timeout.h"

/* How long to wait from SIGTERM to SIGKILL, and from there on before giving
 * up.
 */
#define GRACE_MS 3000

static bool dry;

void
program_dry_run (bool on)
{
  dry = on;
}

/* --- The words ---------------------------------------------------------- */

void
program_add (struct program *p, ...)
{
  const char *word;
  va_list args;

  va_start (args, p);
  while ((word = va_arg (args, const char *)) && p->argc < ARGV_MAX)
    p->argv[p->argc++] = word;
  va_end (args);
  p->argv[p->argc] = NULL;
}

const char *
program_keep (struct program *p, char *word)
{
  if (word && p->n_kept < ARGV_MAX)
    p->kept[p->n_kept++] = word;
  return word;
}

void
program_printf (struct program *p, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  program_add (p, program_keep (p, must_format (format, args)), NULL);
  va_end (args);
}

void
program_free (struct program *p)
{
  while (p->n_kept)
    free (p->kept[--p->n_kept]);
}

static void
program_print_quoted (const char *word)
{
  putchar ('\'');
  for (; *word; word++) {
    if (*word == '\'')
      fputs ("'\\''", stdout);
    else
      putchar (*word);
  }
  putchar ('\'');
}

static void
program_print_word (const char *word)
{
  static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "-_=./:,@%+";

  if (*word && !word[strspn (word, plain)])
    fputs (word, stdout);
  else
    program_print_quoted (word);
}

void
program_print (const struct program *p)
{
  int i;

  for (i = 0; i < p->argc; i++) {
    if (i)
      putchar (' ');
    program_print_word (p->argv[i]);
  }
  putchar ('\n');
}

/* --- Running ------------------------------------------------------------ */

/* The packages of Debian that have the programs, should one be missing. */
static const struct { const char *program, *package; } packages[] = {
  { "blkdiscard", "util-linux" }, { "mkfs.btrfs", "btrfs-progs" },
  { "mkfs.ext4", "e2fsprogs" }, { "mkfs.f2fs", "f2fs-tools" },
  { "mkfs.xfs", "xfsprogs" }, { "mkswap", "util-linux" },
  { "modprobe", "kmod" }, { "mount", "mount" },
  { "nbd-client", "nbd-client" }, { "nbdkit", "nbdkit" },
  { "swapoff", "mount" }, { "swapon", "mount" }, { "umount", "mount" },
};

static int
program_fault_spawn (const char *program, int error)
{
  size_t i;

  for (i = 0; i < sizeof packages / sizeof packages[0]; i++)
    if (error == ENOENT && strcmp (packages[i].program, program) == 0)
      return fault ("%s: there is no such program (on Debian it is in the"
                    " package %s)", program, packages[i].package);
  return fault ("%s: %s", program, strerror (error));
}

/* Add the directories of root's tools, which root's PATH often lacks after su.
 * Choose English, because messages are looked at.
 */
static void
program_environment (void)
{
  const char *path = getenv ("PATH");
  FREED char *longer = NULL;
  static bool done;

  if (done)
    return;
  done = true;
  longer = must_printf ("%s%s/usr/local/sbin:/usr/sbin:/sbin",
                        path ? path : "", path && *path ? ":" : "");
  setenv ("PATH", longer, 1);
  setenv ("LC_ALL", "C", 1);
}

/* Start the program.  Its messages go to a file in memory and not to a pipe,
 * which a child of its own could hold open.  Return an errno, or 0.
 */
static int
program_spawn (struct program *p, int said)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t all;
  int r;

  sigemptyset (&all);
  posix_spawn_file_actions_init (&files);
  posix_spawn_file_actions_addopen (&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen (&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2 (&files, said, 2);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK |
                            POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setsigmask (&attributes, &all);
  posix_spawnattr_setpgroup (&attributes, 0);
  program_environment ();
  r = posix_spawnp (&p->pid, p->argv[0], &files, &attributes,
                    (char *const *) p->argv, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return r;
}

/* Get the last line of a text that is not empty and tells something. */
static char *
program_last_line (char *text)
{
  char *line, *last = NULL;

  while ((line = strsep (&text, "\n")))
    if (line[strspn (line, " \t")] && strcmp (line, "Exiting.") != 0)
      last = line;
  return last;
}

/* Read the end of what it said.  Keep its last line, without the name of the
 * program.
 */
static void
program_read_words (struct program *p, int said)
{
  char text[4096], *line;
  FREED char *safe = NULL;
  off_t length = lseek (said, 0, SEEK_END);
  off_t from = length > (off_t) sizeof text - 1
    ? length - (off_t) sizeof text + 1 : 0;
  ssize_t n = pread (said, text, sizeof text - 1, from);
  size_t name = strlen (p->argv[0]);

  text[n > 0 ? n : 0] = '\0';
  line = program_last_line (text);
  if (!line)
    return;
  if (strncmp (line, p->argv[0], name) == 0 &&
      strncmp (line + name, ": ", 2) == 0)
    line += name + 2;
  safe = text_escape (line);
  snprintf (p->said, sizeof p->said, "%s", safe);
}

/* Return when the program must have ended, in ms.  A patient one has no limit,
 * unless it undoes something.
 */
static uint64_t
program_deadline (const struct program *p)
{
  return p->patient && !interrupt_deferred () ? UINT64_MAX
    : clock_ms () + timeout_program_seconds () * 1000;
}

/* Send SIGTERM, then SIGKILL.  The program may ignore the first, and may wait
 * for a device in the kernel after the second.  False: it is left to itself.
 */
static bool
program_end (struct program *p, unsigned *told, uint64_t *next)
{
  static const int signals[] = { SIGTERM, SIGKILL };

  if (*told == 2)
    return false;
  kill (-p->pid, signals[(*told)++]);
  *next = clock_ms () + GRACE_MS;
  return true;
}

static void
program_wait (struct program *p)
{
  const struct timespec step = { 0, 50 * 1000000L };
  uint64_t next = program_deadline (p);
  unsigned told = 0;
  int status = 0;
  pid_t r;

  while ((r = waitpid (p->pid, &status, WNOHANG)) == 0) {
    if (interrupt_stops () && !told)
      next = 0;
    if (clock_ms () >= next) {
      p->overdue = !interrupt_stops ();
      if (!program_end (p, &told, &next))
        break;
    }
    interrupt_wait (&step);
  }
  p->stuck = r == 0;
  p->status = r > 0 && WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

/* Explain why the program did not end as it should. */
static int
program_fault (const struct program *p)
{
  if (p->stuck)
    return fault ("%s does not end, not even when it is killed: process %ld"
                  " waits in the kernel", p->argv[0], (long) p->pid);
  if (interrupt_check () < 0)
    return -1;
  if (p->overdue)
    return fault ("%s took longer than %" PRIu64 " s and was ended;"
                  " --timeout SECONDS waits longer", p->argv[0],
                  timeout_program_seconds ());
  if (p->status < 0)
    return fault ("%s was killed", p->argv[0]);
  return fault ("%s failed%s%s", p->argv[0], *p->said ? ": " : "", p->said);
}

/* Start the program, wait for it and read what it said. */
static int
program_carry_out (struct program *p)
{
  int r, said = memfd_create ("said", MFD_CLOEXEC);

  if (said < 0)
    return fault ("memfd_create: %s", strerror (errno));
  fflush (stdout);
  r = program_spawn (p, said);
  if (r == 0) {
    program_wait (p);
    program_read_words (p, said);
  }
  close (said);
  return r == 0 ? 0 : program_fault_spawn (p->argv[0], r);
}

int
program_run (struct program *p)
{
  p->status = p->pid = -1;
  p->overdue = p->stuck = false;
  p->said[0] = '\0';
  if (dry) {
    program_print (p);
    p->status = 0;
    return 0;
  }
  if (interrupt_check () < 0 || program_carry_out (p) < 0)
    return -1;
  return p->status == 0 && !interrupt_stops () ? 0 : program_fault (p);
}
