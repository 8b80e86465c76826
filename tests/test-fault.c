/* nbdkit-zram: every allocation fails once.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The linker puts the functions here in the place of those that the
 * engine allocates with.  A fixed piece of work is done once to count its
 * allocations, then once for each with that one failing, and once for
 * each with that one and all after it failing.  Whatever is refused, the
 * disk must hold what it held, agree with its own recount, and free all
 * that it took.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#ifdef HAVE_ZSTD
#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <zstd.h>
#include <zstd_errors.h>
#endif

#include "disk.h"
#include "disklib.h"
#include "os.h"
#include "worlds.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u

/* What is in place of the allocators. */

static struct {
  bool on, all_later, opening;
  uint64_t calls, fail_at;      /* 0: none */
  int64_t live;                 /* allocations not freed */
  unsigned cpus;
  bool no_thread, no_affinity, no_begin;
} fault = { .cpus = 2 };

static bool
deny (void)
{
  if (!fault.on)
    return false;
  fault.calls++;
  return fault.fail_at && (fault.calls == fault.fail_at ||
                           (fault.all_later && fault.calls > fault.fail_at));
}

static void *
counted (void *p)
{
  fault.live += p != NULL;
  return p;
}

#define REPLACE(type, name, args)                       \
  extern type __real_##name args;                       \
  extern type __wrap_##name args;                       \
  type __wrap_##name args

REPLACE (void *, os_map, (size_t n))
{
  return deny () ? NULL : counted (__real_os_map (n));
}

REPLACE (void *, os_alloc, (size_t n))
{
  return deny () ? NULL : counted (__real_os_alloc (n));
}

REPLACE (void *, os_grow, (void *p, size_t n, size_t more))
{
  return deny () ? NULL : __real_os_grow (p, n, more);
}

REPLACE (void *, malloc, (size_t n))
{
  return deny () ? NULL : counted (__real_malloc (n));
}

REPLACE (void *, calloc, (size_t n, size_t size))
{
  return deny () ? NULL : counted (__real_calloc (n, size));
}

REPLACE (void, os_unmap, (void *p, size_t n))
{
  fault.live -= p != NULL;
  __real_os_unmap (p, n);
}

REPLACE (void, os_free, (void *p, size_t n))
{
  int64_t live = fault.live - (p != NULL);

  __real_os_free (p, n);
  fault.live = live;            /* whether it called free or not */
}

REPLACE (void, free, (void *p))
{
  fault.live -= p != NULL;
  __real_free (p);
}

REPLACE (unsigned, os_cpus, (void))
{
  return fault.cpus ? fault.cpus : __real_os_cpus ();
}

REPLACE (int, pthread_create, (pthread_t *t, const pthread_attr_t *a,
                               void *(*f) (void *), void *arg))
{
  return fault.no_thread ? EAGAIN : __real_pthread_create (t, a, f, arg);
}

REPLACE (int, sched_getaffinity, (pid_t pid, size_t n, cpu_set_t *set))
{
  return fault.no_affinity ? -1 : __real_sched_getaffinity (pid, n, set);
}

#ifdef HAVE_ZSTD
/* It allocates the first time that it is called for a context. */
REPLACE (size_t, ZSTD_compressBegin_advanced,
         (ZSTD_CCtx *c, const void *dict, size_t n, ZSTD_parameters p,
          unsigned long long size))
{
  if ((fault.opening && deny ()) || fault.no_begin)
    return (size_t) -ZSTD_error_memory_allocation;
  return __real_ZSTD_compressBegin_advanced (c, dict, n, p, size);
}
#endif

/* The work, and a model of it: what each page of the disk holds. */

#define SIZE (128 * MiB + 1000)         /* two shards */
#define PAGES (SIZE / PAGE + 1)

static struct zram_disk *d;
static uint64_t model[PAGES];   /* a seed of make (); 0: zeroes */
static uint64_t refused;

static void
make (unsigned char *buf, uint64_t seed)
{
  static const unsigned noise[] = { 0, 500, 1900, 3000, PAGE };

  if (seed % 6 == 0)
    page_same (buf, PAGE, seed);
  else
    page_make (buf, PAGE, noise[seed % 5], seed);
}

static bool
holds (uint64_t n, uint64_t seed)
{
  static unsigned char want[PAGE], got[PAGE];

  CHECK (zram_pread (d, got, PAGE, n * PAGE) == 0);
  if (seed == 0)
    return is_zero (got, PAGE);
  make (want, seed);
  return memcmp (got, want, PAGE) == 0;
}

/* After an operation that would have put seeds: what is there now. */
static void
settle (int r, uint64_t from, uint64_t to, uint64_t seed)
{
  uint64_t n;

  CHECK (r == 0 || r == -ENOMEM);
  CHECK (r == 0 || fault.fail_at);
  refused += r < 0;
  for (n = from; n < to; ++n) {
    uint64_t new = seed ? seed + n - from : 0;

    if (r == 0)
      model[n] = new;
    if (r == 0 && n - from > 100 && to - n > 100 && n % 97)
      continue;
    if (!holds (n, model[n])) {
      CHECK (r < 0 && holds (n, new));
      model[n] = new;
    }
  }
}

static void
put (uint64_t from, uint64_t count, uint64_t seed)
{
  static unsigned char buf[64 * PAGE];
  uint64_t n;
  int r;

  CHECK (count <= 64);
  for (n = 0; n < count; ++n)
    make (buf + n * PAGE, seed + n);
  r = zram_pwrite (d, buf, count * PAGE, from * PAGE);
  settle (r, from, from + count, seed);
}

/* In two parts, each of which merges. */
static void
put_in_parts (uint64_t n, uint64_t seed)
{
  unsigned char buf[PAGE];
  int r;

  make (buf, seed);
  r = zram_zero (d, PAGE - 1, n * PAGE);
  settle (r, n, n + 1, 0);
  if (r == 0) {
    r = zram_pwrite (d, buf, 1000, n * PAGE);
    if (r == 0)
      r = zram_pwrite (d, buf + 1000, PAGE - 1000, n * PAGE + 1000);
    if (r < 0 && !holds (n, 0))
      CHECK (zram_trim (d, PAGE, n * PAGE) == 0);
    settle (r, n, n + 1, seed);
  }
}

static void
clear (uint64_t from, uint64_t to, bool trim)
{
  int r = trim ? zram_trim (d, (to - from) * PAGE, from * PAGE)
    : zram_zero (d, (to - from) * PAGE, from * PAGE);

  CHECK (r == 0 || !trim);
  settle (r, from, to, 0);
}

static void
verify (void)
{
  uint64_t n;

  for (n = 0; n + 1 < PAGES; ++n)
    if (model[n])
      CHECK (holds (n, model[n]));
  disk_recount (d);
}

static void
work (void)
{
  uint64_t i;
  int r;

  for (i = 0; i < 3; ++i) {
    put (i * 5000, 64, 1 + i * 1000);
    put (i * 64 + 32, 64, 7 + i * 2000);
    put_in_parts (20000 + i * 64, 11 + i);
  }
  verify ();
  clear (3000, 9000, false);
  clear (63, 65, true);
  clear (12000, 12001, false);
  put (3100, 40, 60000);
  clear (4097, 5000, true);
  verify ();
  CHECK (zram_compact (d) == 0);
  r = zram_reset (d);
  CHECK (r == 0 || r == -ENOMEM);
  refused += r < 0;
  for (i = 0; i + 1 < PAGES; ++i)
    if (model[i] && !holds (i, model[i])) {
      CHECK (holds (i, 0));
      model[i] = 0;
    }
  verify ();
  put (0, 64, 70000);
  put (64 * 64 * 2, 64, 80000);
  clear (1, 12000, false);
  put_in_parts (6000, 90000);
  verify ();
}

static uint64_t late;           /* bytes of late pages */

/* All of it, from open to close.  How many allocations open made. */
static uint64_t
run (const char *algo)
{
  struct zram_params p = { .size = SIZE, .algo = algo, .late = late };
  char message[ZRAM_MESSAGE_MAX] = "";
  int64_t live = fault.live;
  uint64_t opened;
  int r;

  memset (model, 0, sizeof model);
  fault.calls = 0;
  d = NULL;
  fault.on = fault.opening = true;
  r = zram_open (&p, &d, message);
  fault.opening = false;
  opened = fault.calls;
  if (r == 0)
    work ();
  else {
    CHECK (r == -ENOMEM && d == NULL && fault.fail_at);
    CHECK (strstr (message, "not enough memory"));
    refused++;
  }
  zram_close (d);
  fault.on = false;
  if (fault.live != live)
    fail ("%" PRId64 " allocations were not freed", fault.live - live);
  return opened;
}

/* The codecs differ in what open allocates: `opening' tries no more. */
static void
test_codec (const char *algo, bool opening)
{
  uint64_t calls, opened, n;

  fault.fail_at = 0;
  refused = 0;
  opened = run (algo);
  calls = fault.calls;
  CHECK (calls > opened && opened > 20 && refused == 0);
  for (n = 1; n <= (opening ? opened : calls); ++n) {
    uint64_t before;

    fault.fail_at = n;
    fault.all_later = false;    /* a write tries twice, and may succeed */
    run (algo);
    before = refused;
    CHECK (before > 0 || late); /* a page that cannot be late is encoded */
    fault.all_later = true;
    run (algo);
    CHECK (refused > before || late);
  }
  fault.fail_at = 0;
  CHECK (refused > 0);
  printf ("%s: %" PRIu64 " allocations, %" PRIu64 " of them by open, %"
          PRIu64 " operations refused\n", algo, calls, opened, refused);
}

/* A dictionary is trained, tried and used, and each allocation of that fails:
 * the disk goes on without it.
 */
static void
test_dictionary (void)
{
#ifdef HAVE_ZSTD
  struct zram_params p = { .size = SIZE, .algo = "zstd" };
  const struct codings *c;
  unsigned char page[PAGE];
  int64_t live;
  uint64_t n, i;

  d = disk_open (&p);
  c = &d->codings;
  idle_hurry (&d->dictionary_job.idle);
  for (i = 0; i < 8000; ++i) {
    world_page (page, PAGE, 1, i);
    CHECK (zram_pwrite (d, page, PAGE, i * PAGE) == 0);
  }
  live = fault.live;
  fault.all_later = false;
  for (n = 1; !coding_kind_now (c).dictionary; ++n) {
    CHECK (fault.live == live && n < 1000);
    d->dictionary_job.due_stored = 0;
    d->dictionary_job.rest = 0;
    fault.fail_at = n;
    fault.calls = 0;
    fault.on = true;
    dictionary_job_step (&d->dictionary_job);
    fault.on = false;
    disk_recount (d);
  }
  fault.fail_at = 0;
  CHECK (n > 20);
  printf ("a dictionary: %" PRIu64 " allocations\n", n);
  for (i = 0; i < 8000; i += 79) {
    unsigned char back[PAGE];

    world_page (page, PAGE, 1, i);
    CHECK (zram_pread (d, back, PAGE, i * PAGE) == 0);
    CHECK (memcmp (back, page, PAGE) == 0);
  }
  zram_close (d);
#endif
}

/* With so many processors that even the array of workspaces is mapped. */
static void
test_many_cpus (void)
{
  struct zram_params p = { .size = 1, .algo = zram_codec_info (0)->name };
  char message[ZRAM_MESSAGE_MAX];
  int64_t live = fault.live;
  uint64_t i;

  fault.cpus = 400;
  fault.all_later = false;
  for (i = 1; ; ++i) {
    fault.fail_at = i;
    fault.calls = 0;
    d = NULL;
    fault.on = true;
    if (zram_open (&p, &d, message) == 0)
      break;
    fault.on = false;
    CHECK (d == NULL && fault.live == live);
  }
  fault.on = false;
  CHECK (i > 10 && fault.calls == i - 1);
  zram_close (d);
  CHECK (fault.live == live);
  fault.fail_at = 0;
  fault.cpus = 2;
}

/* One more workspace is wanted, and each of its allocations fails. */
static void
test_workspaces (void)
{
  struct zram_params p = { .size = MiB };
  struct workspace *w;
  int64_t live;
  uint64_t i;

  d = disk_open (&p);
  live = fault.live;
  for (i = 1; ; ++i) {
    fault.fail_at = i;
    fault.calls = 0;
    fault.on = true;
    if (workspaces_fix (&d->workspaces, 2) == 0)
      break;
    fault.on = false;
    CHECK (fault.live == live && d->workspaces.made == 1);
    disk_recount (d);
  }
  fault.on = false;
  fault.fail_at = 0;
  CHECK (i > 2 && d->workspaces.made == 2);
  w = workspace_get (&d->workspaces);
  CHECK (workspace_get (&d->workspaces) != w);
  workspace_put (&d->workspaces.w[0]);
  workspace_put (&d->workspaces.w[1]);
  disk_recount (d);
  zram_close (d);
}

static void
test_keeper (void)
{
  struct zram_params p = { .size = MiB };

  d = disk_open (&p);
  fault.no_thread = true;
  CHECK (zram_keeper_start (d) == -EAGAIN);
  fault.no_thread = false;
  zram_keeper_stop (d);
  CHECK (zram_keeper_start (d) == 0);
  zram_close (d);
}

/* A codec whose library fails for a reason of its own: kept raw. */
static void
test_compress (void)
{
#ifdef HAVE_ZSTD
  struct zram_params p = { .size = MiB, .algo = "zstd" };
  unsigned char want[PAGE], got[PAGE];

  d = disk_open (&p);
  page_make (want, PAGE, 500, 1);
  fault.no_begin = true;
  CHECK (zram_pwrite (d, want, PAGE, 0) == 0);
  fault.no_begin = false;
  CHECK (disk_stats (d).huge_pages == 1);
  CHECK (zram_pread (d, got, PAGE, 0) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
  disk_recount (d);
  zram_close (d);
#endif
}

/* The functions that were replaced, themselves. */
static void
test_os (void)
{
  size_t sizes[] = { 1, 63, 4096, 65536, 65537, 1 << 20 }, i;
  unsigned char *p;

  CHECK (__real_os_map (SIZE_MAX / 2) == NULL);
  CHECK (__real_os_alloc (SIZE_MAX / 2) == NULL);
  __real_os_unmap (NULL, 4096);
  __real_os_free (NULL, 4096);
  __real_os_free (NULL, 1 << 20);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    p = __real_os_alloc (sizes[i]);
    CHECK (p && is_zero (p, sizes[i]) && (uintptr_t) p % 64 == 0);
    memset (p, 1, sizes[i]);
    __real_os_free (p, sizes[i]);
  }
  p = __real_os_map (8 * 4096);
  memset (p, 1, 8 * 4096);
  os_give_back (p + 4096, 4096);
  CHECK (p[4095] == 1 && is_zero (p + 4096, 4096) && p[8192] == 1);
  if (mlock (p, 8 * 4096) == 0) {       /* from Linux 5.18 on */
    os_give_back (p, 4096);
    if (p[0] == 0)
      CHECK (is_zero (p, 2 * 4096) && p[8192] == 1);
  }
  __real_os_unmap (p, 8 * 4096);

  fault.cpus = 0;
  CHECK (os_cpus () >= 1);
  fault.no_affinity = true;
  CHECK (os_cpus () >= 1);
  fault.no_affinity = false;
  fault.cpus = 2;
}

/* A disk that could not grow, because any one of its arrays could not, is
 * as it was, and can grow afterwards.
 */
static void
test_resize (void)
{
  static const uint64_t sizes[] = { 512 * MiB, 8192 * MiB };
  struct zram_params p = { .size = 64 * MiB, .track_access = true };
  char message[ZRAM_MESSAGE_MAX];
  uint64_t n, i;
  int r;

  for (i = 0; i < 2; ++i)
    for (n = 1, r = -ENOMEM; r == -ENOMEM; ++n) {
      d = disk_open (&p);
      CHECK (zram_pwrite (d, "x", 1, 64 * MiB - 1) == 0);
      fault.on = true;
      fault.calls = 0;
      fault.fail_at = n;
      fault.all_later = false;
      r = zram_resize (d, sizes[i], message);
      fault.on = false;
      CHECK (r == 0 || (r == -ENOMEM && strstr (message, "memory")));
      CHECK (zram_size (d) == (r == 0 ? sizes[i] : p.size));
      disk_recount (d);
      CHECK (zram_resize (d, 128 * MiB, message) == 0);
      CHECK (zram_resize (d, sizes[i], message) == 0);
      CHECK (zram_pwrite (d, "x", 1, sizes[i] - 1) == 0);
      disk_recount (d);
      zram_close (d);
    }
  CHECK (n > 5);
}

/* A run of recompression, with each codec. */
static void
test_recompress (const char *algo)
{
  struct zram_params p = { .size = SIZE, .algo = zram_codec_info (0)->name };
  struct zram_recompress run = { .priority = 1, .max_pages = UINT64_MAX };
  char message[ZRAM_MESSAGE_MAX];
  int64_t live = fault.live;
  uint64_t n = 0;
  int r;

  memset (model, 0, sizeof model);
  fault.fail_at = 0;
  d = disk_open (&p);
  CHECK (zram_set_recompression (d, 1, algo, false, 0, message) == 0);
  do {
    put (0, 64, 100 + n);
    put (100, 64, 7000 + n);
    fault.fail_at = ++n;
    fault.calls = 0;
    fault.on = true;
    r = zram_recompress (d, &run, message);
    fault.on = false;
    CHECK (r == 0 || (r == -ENOMEM && strstr (message, "not enough memory")));
    CHECK (n > 1 || r < 0);
    fault.fail_at = 0;
    verify ();
  } while (fault.calls >= n);
  CHECK (r == 0 && n > 4);
  zram_close (d);
  CHECK (fault.live == live);
}

int
main (void)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    test_codec (info->name, i > 0);
  late = 50 * PAGE;
  test_codec (zram_codec_default (), false);
  late = 0;
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    test_recompress (info->name);
  test_dictionary ();
  test_many_cpus ();
  test_workspaces ();
  test_keeper ();
  test_compress ();
  test_os ();
  test_resize ();
  return 0;
}
