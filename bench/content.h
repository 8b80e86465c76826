/* nbdkit-zram: what the load generator writes, and what it must read.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A content is a piece of the corpus of the phase's block size, counted from
 * 1.  Two threads may not be at one block.
 */

#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "load-options.h"

extern void content_open (void);

/* Choose what is to be written to a block. */
extern uint32_t content_choose (const struct phase *phase, uint64_t block,
                                uint64_t *state);

/* Return the bytes of a content, as many as a block has. */
extern const char *content_data (const struct phase *phase,
                                 uint32_t content);

/* Take note of a request that was answered; content is that of a write, data
 * what was read.  It ends the program if that is not what was written.
 */
extern void content_done (const struct phase *phase, enum nbd_command command,
                          uint64_t block, uint32_t content,
                          const char *data);

/* Return how many blocks were compared. */
extern uint64_t content_verified (void);

/* Say whether most of what was read in the last phase was zeroes. */
extern bool content_was_zeroes (void);

#endif /* BENCH_CONTENT_H */
