/* nbdkit-zram: what the plugin writes to the log.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit writes every error it is given, as often as it is given.  A
 * client that keeps writing to a full disk would fill the log of the
 * machine, so what a client can cause goes through a limit here; and what
 * a client or a command line sent is made printable first.
 */

#ifndef ZRAM_LOG_H
#define ZRAM_LOG_H

#include <stdint.h>

/* Log that a request failed with errno `err', unless it was logged just now. */
extern void log_failure (const char *request, uint32_t count,
                         uint64_t offset, int err);

/* Log that a command, or the opening of an export, was refused; at most one a
 * second.
 */
extern void log_refusal (const char *what, const char *name,
                         const char *why);

/* Write a line to the log, whatever it holds. */
extern void log_line (const char *line);

/* Warn of something that does not keep the server from starting: whoever
 * starts it, on standard error, or later whoever reads the log.
 */
extern void log_warn_starter (const char *line);
extern void log_warn_reader (const char *line);

#endif /* ZRAM_LOG_H */
