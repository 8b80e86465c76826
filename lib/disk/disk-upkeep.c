/* nbdkit-zram: upkeep started and stopped; compaction and reset on request.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "disk.h"
#include "os.h"

int
zram_keeper_start (struct zram_disk *d)
{
  int r = keeper_start (&d->keeper);

  if (r == 0)
    r = late_work_start (&d->late_work);
  if (r == 0)
    r = dictionary_job_start (&d->dictionary_job);
  if (r == 0)
    r = reserve_start (&d->reserve);
  if (r == 0)
    r = upkeep_start (&d->upkeep);
  if (r < 0)
    zram_keeper_stop (d);
  return r;
}

void
zram_keeper_stop (struct zram_disk *d)
{
  dictionary_job_stop (&d->dictionary_job);
  upkeep_stop (&d->upkeep);
  reserve_stop (&d->reserve);
  late_work_stop (&d->late_work);
  keeper_stop (&d->keeper);
}

int
zram_compact (struct zram_disk *d)
{
  late_work_flush (&d->parts, LATE_ALL);
  keeper_compact (&d->parts);
  return 0;
}

struct zram_upkeep
zram_upkeep (const struct zram_disk *d)
{
  return d->upkeep.asked;
}

int
zram_upkeep_now (struct zram_disk *d)
{
  return upkeep_all (&d->upkeep);
}

void
zram_upkeep_report (const struct zram_disk *d, struct zram_upkeep_report *r)
{
  upkeep_report (&d->upkeep, r);
}

int
zram_reset (struct zram_disk *d)
{
  unsigned i;
  int r = 0;

  pthread_mutex_lock (&d->change);
  reserve_hold (&d->reserve);
  for (i = 0; i < shard_count (d) && r == 0; ++i)
    r = shard_reset (&d->shards[i]);
  reserve_let_go (&d->reserve);
  if (r == 0)
    dictionary_job_forget (&d->dictionary_job);
  pthread_mutex_unlock (&d->change);
  if (r == 0) {
    stats_zero (&d->stats);
    recompressor_forget (&d->recompressor);
    os_give_back (d->latencies, sizeof *d->latencies);
    reserve_renew (&d->reserve);
  }
  return r;
}
