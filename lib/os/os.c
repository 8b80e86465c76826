/* nbdkit-zram: memory from the operating system.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "layout.h"
#include "os.h"

/* What older headers lack. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Above this an array gets pages of its own: half of a page may be wasted,
 * but many arrays are never touched at all, or only at their beginning.
 */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
/* Where leaks are looked for; and the thread sanitizer takes what mremap has
 * moved away for memory that the next one to get the addresses shares.
 */
#define HEAP_MAX (1 << 20)
#else
#define HEAP_MAX 2048
#endif

void *
os_map (size_t bytes)
{
  void *p = mmap (NULL, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (p == MAP_FAILED)
    return NULL;
  /* With huge pages, giving back a part of one lowers the resident size
   * but frees nothing until the kernel gets round to splitting it.
   */
  madvise (p, bytes, MADV_NOHUGEPAGE);
  return p;
}

void
os_unmap (void *p, size_t bytes)
{
  if (p)
    munmap (p, bytes);
}

/* Memory that is locked (swap=true) is not given back by MADV_DONTNEED, and
 * stays locked in MADV_DONTNEED_LOCKED, which Linux has since 5.18.  Before
 * that it must be unlocked and locked again, as it was: when touched.
 */
static int
os_give_back_unlocked (void *p, size_t bytes)
{
  int r;

  if (munlock (p, bytes) == -1)
    return -1;
  r = madvise (p, bytes, MADV_DONTNEED);
  mlock2 (p, bytes, MLOCK_ONFAULT);
  return r;
}

void
os_give_back (void *p, size_t bytes)
{
  static _Atomic int advice = MADV_DONTNEED;
  int now = advice;

  if (madvise (p, bytes, now) == 0)
    return;
  if (now == MADV_DONTNEED &&
      madvise (p, bytes, MADV_DONTNEED_LOCKED) == 0) {
    advice = MADV_DONTNEED_LOCKED;
    return;
  }
  os_give_back_unlocked (p, bytes);
}

/* Before Linux 5.14 a write that changes nothing does it. */
void
os_populate (void *p, size_t bytes)
{
  uintptr_t from = (uintptr_t) p & -(uintptr_t) OS_PAGE;
  uintptr_t to = ((uintptr_t) p + bytes + OS_PAGE - 1) & -(uintptr_t) OS_PAGE;

  if (bytes == 0 ||
      madvise ((void *) from, to - from, MADV_POPULATE_WRITE) == 0)
    return;
  for (; from < to; from += OS_PAGE)
    __atomic_fetch_or ((char *) from, 0, __ATOMIC_RELAXED);
}

void *
os_alloc (size_t bytes)
{
  size_t whole = (bytes + OS_ALIGN - 1) & ~(size_t) (OS_ALIGN - 1);
  void *p;

  if (bytes > HEAP_MAX)
    return os_map (bytes);
  p = aligned_alloc (OS_ALIGN, whole);
  if (p)
    memset (p, 0, whole);
  return p;
}

void
os_free (void *p, size_t bytes)
{
  if (bytes <= HEAP_MAX)
    free (p);
  else
    os_unmap (p, bytes);
}

void *
os_grow (void *p, size_t bytes, size_t new_bytes)
{
  void *q;

  /* What lies in pages of its own can move without being copied. */
  if (bytes > HEAP_MAX) {
    q = mremap (p, bytes, new_bytes, MREMAP_MAYMOVE);
    return q == MAP_FAILED ? NULL : q;
  }
  q = os_alloc (new_bytes);
  if (q) {
    memcpy (q, p, bytes);
    os_free (p, bytes);
  }
  return q;
}

void
os_leave_realtime (void)
{
  const struct sched_param none = { 0 };

  /* Linux takes 0 for the calling thread. */
  if (sched_getscheduler (0) != SCHED_OTHER &&
      sched_setscheduler (0, SCHED_OTHER, &none) == 0)
    setpriority (PRIO_PROCESS, 0, -20); /* if it may */
}

/* Without a privilege or RLIMIT_NICE a thread that has entered SCHED_IDLE
 * cannot leave it again: one that takes locks must not be caught there.  Try
 * that with a thread that does nothing else.
 */
static bool may_leave;

static void *
os_try_to_leave (void *unused)
{
  const struct sched_param none = { 0 };

  (void) unused;
  may_leave = sched_setscheduler (0, SCHED_IDLE, &none) == 0 &&
    sched_setscheduler (0, SCHED_OTHER, &none) == 0;
  return NULL;
}

static void
os_find_out (void)
{
  pthread_t thread;

  if (pthread_create (&thread, NULL, os_try_to_leave, NULL) == 0)
    pthread_join (thread, NULL);
}

void
os_background (bool on)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const struct sched_param none = { 0 };

  pthread_once (&once, os_find_out);
  if (may_leave && sched_getscheduler (0) == (on ? SCHED_OTHER : SCHED_IDLE))
    sched_setscheduler (0, on ? SCHED_IDLE : SCHED_OTHER, &none);
}

static _Atomic bool heap_is_kept;

void
os_keep_heap (void)
{
  heap_is_kept = true;
}

bool
os_heap_is_kept (void)
{
  return heap_is_kept;
}

/* The sizes that glibc begins with. */
#define HEAP_THRESHOLD (128 << 10)

void
os_loosen_heap (void)
{
#ifdef __GLIBC__
  if (heap_is_kept)
    return;
  mallopt (M_MMAP_THRESHOLD, HEAP_THRESHOLD);
  mallopt (M_TRIM_THRESHOLD, HEAP_THRESHOLD);
#endif
}

void
os_trim_heap (void)
{
#ifdef __GLIBC__
  if (!heap_is_kept)
    malloc_trim (0);
#endif
}

unsigned
os_cpus (void)
{
  cpu_set_t set;
  int n;

  if (sched_getaffinity (0, sizeof set, &set) == 0 &&
      (n = CPU_COUNT (&set)) > 0)
    return (unsigned) n;
  n = (int) sysconf (_SC_NPROCESSORS_ONLN);
  return n > 0 ? (unsigned) n : 1;
}

uint64_t
os_ram (void)
{
  long pages = sysconf (_SC_PHYS_PAGES), page = sysconf (_SC_PAGESIZE);

  return pages > 0 && page > 0 ? (uint64_t) pages * (uint64_t) page : 0;
}
