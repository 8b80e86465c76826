/* nbdkit-zram: memory from the operating system.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The engine allocates only through these functions.  A test replaces them
 * at link time to make each allocation fail in turn.
 */

#ifndef ZRAM_OS_H
#define ZRAM_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_ALIGN 64

/* Map zeroed address space, which costs nothing until it is touched.  It has
 * pages of 4 KiB, never huge ones.  NULL if there is no more.
 */
extern void *os_map (size_t bytes);
extern void os_unmap (void *p, size_t bytes);

/* Give memory back and keep its addresses, which read as zeroes from then on.
 * p and bytes are multiples of OS_PAGE.
 */
extern void os_give_back (void *p, size_t bytes);

/* Make the pages of these bytes resident, without changing their content.
 * Other threads may write to them meanwhile.
 */
extern void os_populate (void *p, size_t bytes);

/* Allocate zeroed memory, aligned to a cache line.  A small array comes from
 * the heap, so that small arrays share pages.  A large one comes from os_map,
 * so that pages that are not touched cost nothing.  NULL if there is no more.
 * os_free must be given the same size.
 */
extern void *os_alloc (size_t bytes);
extern void os_free (void *p, size_t bytes);

/* Return a larger copy, the rest zeroed, and free the old one.  NULL if there
 * is no more memory; the old one is then as it was.
 */
extern void *os_grow (void *p, size_t bytes, size_t new_bytes);

/* Before a library takes much of the heap: let what it frees go back to the
 * system.  glibc raises the size from which it does so with each large piece
 * that is freed, and then keeps megabytes in the heap of each thread.  After
 * it has freed it: give back the rest.  Both do nothing where the heap is
 * kept.
 */
extern void os_loosen_heap (void);
extern void os_trim_heap (void);

/* Say that all threads share one heap, which must neither shrink nor be used
 * by whoever can do without it; and ask whether somebody has.
 */
extern void os_keep_heap (void);
extern bool os_heap_is_kept (void);

/* Tell the processor that this loop waits for another processor. */
static inline void
os_relax (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__ || defined __arm__
  __asm__ volatile ("yield");
#endif
}

/* Take this thread out of the real-time policy.  It keeps a higher priority
 * than ordinary threads.
 */
extern void os_leave_realtime (void);

/* Let this thread have only time that nobody else wants, or the usual again;
 * one of real time keeps what it has.  Does nothing where the system would not
 * let the thread return (no CAP_SYS_NICE, no RLIMIT_NICE).  Not to be done
 * with a lock held.
 */
extern void os_background (bool on);

/* Return how many processors this process may run on, at least 1. */
extern unsigned os_cpus (void);

/* Return the RAM of this machine in bytes; 0 if unknown. */
extern uint64_t os_ram (void);

#endif /* ZRAM_OS_H */
