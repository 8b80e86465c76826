/* nbdkit-zram: invariants: each is noticed when it is broken, in a build
 * that checks it, and a release has nothing of them in it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define PLUGIN "../plugin/.libs/nbdkit-zram-plugin.so"

/* The message, but for its last letter, so that it is not found here. */
#define MESSAGE "zram: invariant %s is broke"

static struct zram_disk *d;
static struct shard *s;
static struct arena *a;

static bool
file_has_message (const char *name)
{
  const size_t most = 64 * MiB;
  char *p = malloc (most), *at = p;
  FILE *f = fopen (name, "rb");
  bool has = false;
  size_t n;

  if (!f)
    fail ("%s: %s", name, strerror (errno));
  n = fread (p, 1, most, f);
  CHECK (n > 0 && n < most);
  fclose (f);
  for (; !has && (at = memmem (at, n - (size_t) (at - p), MESSAGE,
                               sizeof MESSAGE - 1)) != NULL; ++at)
    has = at[sizeof MESSAGE - 1] == 'n';
  free (p);
  return has;
}

/* Breaking things. */

static uint32_t
segment_of (uint64_t slot)
{
  uint32_t entry = table_get (&s->table, slot);

  CHECK (entry_tag (entry) == TAG_OBJECT);
  return entry_id (entry);
}

static void
trim (uint64_t slot)
{
  CHECK (zram_trim (d, PAGE, slot * PAGE) == 0);
}

static void
break_order (void)
{
  uint32_t id = segment_of (1);
  uint64_t *e = segment_dirent (&d->layout, arena_base (a, id), 1);
  uint64_t other = *segment_dirent (&d->layout, arena_base (a, id), 2);

  *e -= UINT64_C (1) << LENGTH_END;     /* into the one before */
  trim (dirent_slot (&d->layout, other));
}

static void
break_used (void)
{
  a->segment[segment_of (1)].tail = 1;
  trim (1);
}

static void
break_one_each (void)
{
  arena_put (a, segment_of (1), 1, 8, KIND_FILL, 0);
}

static void
break_lists (void)
{
  a->segment[segment_of (1)].prev = segment_of (1);
  trim (1);
}

static void
break_pool (void)
{
  uint32_t id;

  CHECK (pool_alloc (&s->store.raw, &id) == 0);
  pool_free (&s->store.raw, id);
  pool_free (&s->store.raw, id);
}

static void
break_table (void)
{
  table_set (&s->table, 9000, ENTRY_ZERO);
}

static void
break_commit (void)
{
  unsigned char page[PAGE];
  struct content c = { .type = CONTENT_RAW, .page = page };

  /* The old page's number is free, so the new one gets it. */
  page_make (page, PAGE, PAGE, 1);
  CHECK (shard_publish (s, 2, &c) == 0);
  s->store.raw.used--;
  bitmap_set (&s->store.raw.free, entry_id (table_get (&s->table, 2)));
  CHECK (shard_publish (s, 2, &c) == 0);
}

static void
break_claims (void)
{
  struct claim claim;

  claim_take (&s->claims, &claim, 1);
  claim_drop (&s->claims, &claim);
  claim_drop (&s->claims, &claim);
}

static const struct {
  const char *which;
  int level;                    /* checked from here on */
  void (*break_it) (void);
} breaks[] = {
  { "I1", 2, break_order }, { "I2", 1, break_used },
  { "I3", 2, break_one_each }, { "I4", 1, break_lists },
  { "I5", 1, break_pool }, { "I6", 1, break_table },
  { "I7", 1, break_commit }, { "I8", 1, break_claims },
};

static void
start (void)
{
  struct zram_params p = { .size = 64 * MiB };
  unsigned char page[PAGE];
  uint64_t i;

  d = disk_open (&p);
  s = &d->shards[0];
  a = &s->store.arena;
  for (i = 0; i < 4; ++i) {
    page_make (page, PAGE, 200, i);
    CHECK (zram_pwrite (d, page, PAGE, i * PAGE) == 0);
  }
}

/* It aborts, and says which. */
static void
check_noticed (const char *which, void (*break_it) (void))
{
  char message[1000] = "", want[20];
  int pipes[2], status;
  ssize_t n;
  pid_t pid;

  CHECK (pipe (pipes) == 0);
  pid = fork ();
  if (pid == 0) {
    dup2 (pipes[1], STDERR_FILENO);
    signal (SIGABRT, SIG_DFL);
    start ();
    break_it ();
    _exit (0);
  }
  close (pipes[1]);
  n = read (pipes[0], message, sizeof message - 1);
  close (pipes[0]);
  CHECK (waitpid (pid, &status, 0) == pid);
  printf ("%s: %s", which, message);
  CHECK (n > 0 && WIFSIGNALED (status) && WTERMSIG (status) == SIGABRT);
  snprintf (want, sizeof want, " %s is broken", which);
  CHECK (strstr (message, want));
}

int
main (void)
{
  unsigned i;

  CHECK (file_has_message (PLUGIN) == (ZRAM_CHECKS > 0));
  for (i = 0; i < sizeof breaks / sizeof breaks[0]; ++i)
    if (breaks[i].level <= ZRAM_CHECKS)
      check_noticed (breaks[i].which, breaks[i].break_it);
  printf ("checks: %d\n", ZRAM_CHECKS);
  return 0;
}
