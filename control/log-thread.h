/* nbdkit-zram: lines for the log that another thread writes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing a line can wait: for memory, for a full pipe, for a logging
 * daemon that has been paged out.  Where the disk is swapped to, whoever
 * serves a request must not wait for any of them, and leaves the line to
 * this thread.
 */

#ifndef ZRAM_LOG_THREAD_H
#define ZRAM_LOG_THREAD_H

#include <stdbool.h>

/* Start the thread, which calls write for each line.  0 or -errno. */
typedef void log_thread_fn (const char *line);
extern int log_thread_start (log_thread_fn *write);

/* What has not been written yet is written first. */
extern void log_thread_stop (void);

/* False: there is no such thread, write it yourself.  A line that finds no
 * room is dropped, and counted in the next.
 */
#define LOG_THREAD_LINE 512
extern bool log_thread_say (const char *line);

#endif /* ZRAM_LOG_THREAD_H */
