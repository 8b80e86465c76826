/* nbdkit-zram: which requests are made, and what they took.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <time.h>

#include "server-cpu.h"
#include "support.h"
#include "workload.h"

/* Any odd number permutes the blocks of a disk of 2^n.  This one leaves no
 * pattern that a table or a lock could profit from.
 */
#define SCATTER UINT64_C (0x9e3779b97f4a7c15)

/* The result is never 0, from which the generator would not move, and far from
 * that of the next thread.
 */
uint64_t
workload_seed (unsigned thread)
{
  return (opt.seed + 1 + ((uint64_t) thread << 32)) * SCATTER;
}

enum nbd_command
workload_command (const struct phase *phase, uint64_t *state)
{
  uint64_t dice;

  if (!phase->reads && !phase->trims)
    return phase->other;
  dice = random_below (state, 100);
  if (dice < phase->reads)
    return NBD_READ;
  return dice < phase->reads + phase->trims ? NBD_TRIM : phase->other;
}

enum kind
workload_kind (enum nbd_command command)
{
  static const enum kind kinds[] = {
    [NBD_READ] = KIND_READ, [NBD_WRITE] = KIND_WRITE,
    [NBD_TRIM] = KIND_TRIM, [NBD_ZERO] = KIND_ZERO,
  };

  return kinds[command];
}

uint64_t
workload_offset (const struct phase *phase, uint64_t block)
{
  uint64_t blocks = opt.disk_size / phase->block;

  if (!opt.scatter)
    return block * phase->block;
  blocks = UINT64_C (1) << (63 - __builtin_clzll (blocks));
  return ((block * SCATTER) & (blocks - 1)) * phase->block;
}

void
workload_times (struct measured *m)
{
  struct timespec t;

  m->time = now ();
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  m->client = (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
  m->server = opt.server ? server_cpu (opt.server) : 0;
}
