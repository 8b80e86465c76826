/* nbdkit-zram: memory from the operating system.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every allocation of the engine goes through these functions: a test
 * replaces them at link time to make each one fail in turn.
 */

#ifndef ZRAM_OS_H
#define ZRAM_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_ALIGN 64

/* Zeroed address space that costs nothing until it is touched, in pages
 * of 4 KiB, never huge ones.  NULL: no more.
 */
extern void *os_map (size_t bytes);
extern void os_unmap (void *p, size_t bytes);

/* Give the memory back and keep the addresses; it reads as zeroes again.
 * p and bytes are multiples of OS_PAGE.
 */
extern void os_give_back (void *p, size_t bytes);

/* Make it resident, without changing what it holds: the pages that these
 * bytes lie in.  Others may write to them meanwhile.
 */
extern void os_populate (void *p, size_t bytes);

/* Zeroed memory, aligned to a cache line: from the heap if small, so that
 * small arrays share pages, else from os_map, so that what is not touched
 * costs nothing.  NULL: no more.  os_free wants the same size.
 */
extern void *os_alloc (size_t bytes);
extern void os_free (void *p, size_t bytes);

/* A larger copy, the rest zeroed; the old one is freed.  NULL: no more,
 * and the old one is as it was.
 */
extern void *os_grow (void *p, size_t bytes, size_t new_bytes);

/* For a loop that waits for another processor. */
static inline void
os_relax (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__ || defined __arm__
  __asm__ volatile ("yield");
#endif
}

/* From here on this thread is not of real time, but before others. */
extern void os_leave_realtime (void);

/* Let this thread have only time that nobody else wants, or the usual again;
 * one of real time keeps what it has.  Not to be done with a lock held.
 */
extern void os_background (bool on);

/* Processors this process may run on, at least 1. */
extern unsigned os_cpus (void);

/* Bytes of RAM of this machine; 0: unknown. */
extern uint64_t os_ram (void);

#endif /* ZRAM_OS_H */
