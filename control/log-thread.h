/* nbdkit-zram: lines for the log that another thread writes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing a line may have to wait: for memory, for a full pipe, or for a
 * logging daemon that has been paged out.  A thread that serves a disk used
 * for swap must not wait for any of these, so it leaves the line to this
 * thread.
 */

#ifndef ZRAM_LOG_THREAD_H
#define ZRAM_LOG_THREAD_H

#include <stdbool.h>

/* Start the thread, which calls write for each line.  -errno if it cannot. */
typedef void log_thread_fn (const char *line);
extern int log_thread_start (log_thread_fn *write);

/* Write the lines that are still waiting, and stop the thread.  Allowed if it
 * was never started.
 */
extern void log_thread_stop (void);

/* Leave a line to the thread.  False if the thread does not run: the caller
 * then writes the line itself.  If there is no room, the line is dropped, and
 * the next line says how many were.
 */
#define LOG_THREAD_LINE 512
extern bool log_thread_say (const char *line);

#endif /* ZRAM_LOG_THREAD_H */
