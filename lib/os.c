/* nbdkit-zram: memory from the operating system.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Above this an array gets pages of its own: half of a page may be wasted,
 * but many arrays are never touched at all, or only at their beginning.
 */
#define HEAP_MAX 2048

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

/* Locked memory needs the newer of the two (Linux 5.18). */
void
os_give_back (void *p, size_t bytes)
{
  if (madvise (p, bytes, MADV_DONTNEED) == -1)
    madvise (p, bytes, MADV_DONTNEED_LOCKED);
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
