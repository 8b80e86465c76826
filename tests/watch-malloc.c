/* nbdkit-zram: a malloc that the tests can watch and make fail.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions here take the place of glibc's because a program's own
 * symbols come first, and hand on to it through its internal names.
 * Hidden symbols would not be seen by the libraries: hence PUBLIC.
 */

#include <config.h>

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watch-malloc.h"

static _Thread_local struct {
  bool on;
  unsigned calls, which_fails;
  long bytes, peak;
} state;

void
watch (unsigned which_fails)
{
  state.calls = 0;
  state.bytes = state.peak = 0;
  state.which_fails = which_fails;
  state.on = true;
}

unsigned
unwatch (void)
{
  state.on = false;
  return state.calls;
}

long
watched_bytes (void)
{
  return state.bytes;
}

long
watched_peak (void)
{
  return state.peak;
}

#if WATCH_MALLOC

#define PUBLIC __attribute__ ((visibility ("default")))

extern void *__libc_malloc (size_t);
extern void *__libc_calloc (size_t, size_t);
extern void *__libc_realloc (void *, size_t);
extern void *__libc_memalign (size_t, size_t);
extern void __libc_free (void *);

static bool
refused (void)
{
  if (!state.on || ++state.calls != state.which_fails)
    return false;
  errno = ENOMEM;
  return true;
}

static void *
counted (void *p)
{
  if (state.on && p)
    state.bytes += malloc_usable_size (p);
  if (state.bytes > state.peak)
    state.peak = state.bytes;
  return p;
}

static void
discounted (void *p)
{
  if (state.on && p)
    state.bytes -= malloc_usable_size (p);
}

PUBLIC void *
malloc (size_t n)
{
  return refused () ? NULL : counted (__libc_malloc (n));
}

PUBLIC void *
calloc (size_t n, size_t size)
{
  return refused () ? NULL : counted (__libc_calloc (n, size));
}

PUBLIC void *
realloc (void *p, size_t n)
{
  if (refused ())
    return NULL;
  discounted (p);
  return counted (__libc_realloc (p, n));
}

PUBLIC void *
memalign (size_t align, size_t n)
{
  return refused () ? NULL : counted (__libc_memalign (align, n));
}

PUBLIC void *
aligned_alloc (size_t align, size_t n)
{
  return memalign (align, n);
}

PUBLIC int
posix_memalign (void **p, size_t align, size_t n)
{
  void *const got = memalign (align, n);

  if (got == NULL)
    return ENOMEM;
  *p = got;
  return 0;
}

PUBLIC void
free (void *p)
{
  discounted (p);
  __libc_free (p);
}

/* What the libraries map themselves; malloc does not come this way. */
PUBLIC void *
mmap (void *p, size_t n, int prot, int flags, int fd, off_t offset)
{
  if (refused ())
    return MAP_FAILED;
  if (state.on)
    state.bytes += (long) n;
  return (void *) syscall (SYS_mmap, p, n, prot, flags, fd, offset);
}

PUBLIC int
munmap (void *p, size_t n)
{
  if (state.on)
    state.bytes -= (long) n;
  return (int) syscall (SYS_munmap, p, n);
}

#endif /* WATCH_MALLOC */
