/* nbdkit-zram: lines for the log that another thread writes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing a line can wait: for memory, for a full pipe, for a logging
 * daemon that has been paged out.  Whoever serves a request of a disk that is
 * used for swap must wait for none of them, and leaves the line to this
 * thread.
 */

#ifndef ZRAM_LOG_THREAD_H
#define ZRAM_LOG_THREAD_H

#include <stdbool.h>

/* Start the thread, which calls write for each line.  0 or -errno. */
typedef void log_thread_fn (const char *line);
extern int log_thread_start (log_thread_fn *write);

/* Write what has not been written yet, and stop the thread.  Allowed if it
 * never started.
 */
extern void log_thread_stop (void);

/* Leave a line to the thread.  False: it does not run, write it yourself.  A
 * line that finds no room is dropped, and counted in the next.
 */
#define LOG_THREAD_LINE 512
extern bool log_thread_say (const char *line);

#endif /* ZRAM_LOG_THREAD_H */
