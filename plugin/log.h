/* nbdkit-zram: the lines that the plugin writes to the log.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit logs every error that it is given, as often as it is given.  A
 * client that keeps writing to a full disk would fill the log of the machine,
 * so lines that a client can cause go through a limit here.  Text from a
 * client or the command line is made printable first.
 */

#ifndef ZRAM_LOG_H
#define ZRAM_LOG_H

#include <stdint.h>

/* Log that a request failed with errno `err', unless the same kind of failure
 * was logged just before.
 */
extern void log_failure (const char *request, uint32_t count,
                         uint64_t offset, int err);

/* Log that a command, or the opening of an export, was refused; at most one
 * line a second.
 */
extern void log_refusal (const char *what, const char *name,
                         const char *why);

/* Write a line to the log, without any limit. */
extern void log_line (const char *line);

/* Warn of a problem that does not stop the server: on standard error, for the
 * person who starts it, or later in the log.
 */
extern void log_warn_starter (const char *line);
extern void log_warn_reader (const char *line);

#endif /* ZRAM_LOG_H */
