/* nbdkit-zram: a malloc that the tests can watch and make fail.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * watch-malloc.c replaces malloc and its relatives, and mmap, for the whole
 * program, libraries included.  Watching is per thread.
 */

#ifndef WATCH_MALLOC_H
#define WATCH_MALLOC_H

#include <stdbool.h>

/* The sanitizers bring a malloc of their own.  With them nothing is
 * replaced, watch does nothing, and what depends on it is to be skipped.
 */
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
#define WATCH_MALLOC 0
#elif defined (__has_feature)
#if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
#define WATCH_MALLOC 0
#endif
#endif
#ifndef WATCH_MALLOC
#define WATCH_MALLOC 1
#endif

/* Start to watch this thread.  Call number which_fails (from 1) gets no
 * memory; 0: none fails.
 */
extern void watch (unsigned which_fails);

/* Stop, and say how often memory was asked for. */
extern unsigned unwatch (void);

/* Bytes allocated less bytes freed, between watch and unwatch. */
extern long watched_bytes (void);

/* The most that was. */
extern long watched_peak (void);

#endif /* WATCH_MALLOC_H */
