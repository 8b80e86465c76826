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

#include <stdbool.h>
#include <stdint.h>

/* Which of a stream of events to log.  A burst lets its first event pass,
 * and so does each `pause' after that, except where the burst is to be
 * one line however long it lasts: until there was no event for `pause'.
 * Not locked.
 */
struct log_limit {
  uint64_t pause;               /* ns */
  bool one_line_a_burst;
  bool begun;
  uint64_t since;               /* when the pause began, ns */
  uint64_t held_back;           /* events since the last that passed */
};

/* An event at `now', ns of any monotonic clock.  If it is to be logged,
 * *held_back says how many before it were not.
 */
extern bool log_limit_pass (struct log_limit *limit, uint64_t now,
                            uint64_t *held_back);

/* Say that a request failed with errno `err'. */
extern void log_failure (const char *request, uint32_t count,
                         uint64_t offset, int err);

/* Say that a command, or the opening of an export, was refused. */
extern void log_refusal (const char *what, const char *name,
                         const char *why);

/* A copy of text, fit to be printed within one line: control characters,
 * backslashes and all that is not ASCII as \xNN, and cut if it is long.
 */
#define LOG_TEXT_MAX 160
extern const char *log_text (const char *text, char buf[LOG_TEXT_MAX]);

#endif /* ZRAM_LOG_H */
