/* nbdkit-zram: what the load generator writes, and what it must read.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Written are pieces of a corpus of real pages.  With --verify a map says
 * what each block holds: a request goes to a block only when no other is
 * under way for it, so that this is known.
 */

#include <config.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "content.h"
#include "support.h"
#include "workload.h"

/* What a block holds: a piece of the corpus, counted from 1, or one of these.
 */
#define UNKNOWN 0
#define ZEROES UINT32_MAX

static uint32_t *map;           /* of each block of opt.phase.block */
static _Atomic uint64_t verified, reads_done, reads_of_zeroes;

void
content_open (void)
{
  if (opt.verify)
    map = allocate (opt.size / opt.phase.block, sizeof *map);
}

static bool
content_is_zero (const char *p, uint64_t len)
{
  return p[0] == 0 && memcmp (p, p + 1, len - 1) == 0;
}

/* The fill writes the corpus as it is: so a large block contains the pieces of
 * the small ones in it.
 */
uint32_t
content_choose (const struct phase *phase, uint64_t block, uint64_t *state)
{
  const uint64_t pieces = opt.corpus_size / phase->block;

  return (uint32_t) (phase->fills ? block % pieces
                                  : random_below (state, pieces)) + 1;
}

const char *
content_data (const struct phase *phase, uint32_t content)
{
  return opt.corpus + (content - 1) * phase->block;
}

/* Remember what the blocks of a request hold now. */
static void
content_remember (const struct phase *phase, uint64_t block, uint32_t content)
{
  const uint64_t n = phase->block / opt.phase.block;
  uint64_t i;

  if (!map)
    return;
  for (i = 0; i < n; ++i)
    map[block * n + i] = content == UNKNOWN || content == ZEROES
      ? content : (uint32_t) ((content - 1) * n + i + 1);
}

static void
content_compare (const struct phase *phase, uint64_t block, const char *data)
{
  const uint64_t n = phase->block / opt.phase.block, size = opt.phase.block;
  uint64_t i;
  uint32_t c;

  for (i = 0; i < n; ++i, data += size) {
    c = map[block * n + i];
    if (c == UNKNOWN)
      continue;
    if (c == ZEROES ? !content_is_zero (data, size)
                    : memcmp (data, opt.corpus + (c - 1) * size, size) != 0)
      die ("offset %" PRIu64 " does not hold what was written",
           workload_offset (phase, block) + i * size);
    atomic_fetch_add_explicit (&verified, 1, memory_order_relaxed);
  }
}

void
content_done (const struct phase *phase, enum nbd_command command,
              uint64_t block, uint32_t content, const char *data)
{
  if (command == NBD_READ) {
    atomic_fetch_add_explicit (&reads_done, 1, memory_order_relaxed);
    if (content_is_zero (data, phase->block))
      atomic_fetch_add_explicit (&reads_of_zeroes, 1, memory_order_relaxed);
    if (phase->compare)
      content_compare (phase, block, data);
  } else if (command == NBD_WRITE)
    content_remember (phase, block, content);
  else
    content_remember (phase, block, command == NBD_ZERO ? ZEROES : UNKNOWN);
}

uint64_t
content_verified (void)
{
  return verified;
}

bool
content_was_zeroes (void)
{
  return reads_of_zeroes > reads_done / 2;
}
