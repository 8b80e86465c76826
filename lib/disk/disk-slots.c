/* nbdkit-zram: each slot, and which of them are idle.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The lock is taken for one slot at a time; of ranges that hold nothing,
 * thousands of slots are passed over at once.
 */

#include <config.h>

#include <errno.h>
#include <time.h>

#include "disk.h"

/* Marking. */

struct marking {
  uint64_t now, seconds;
};

static int
slots_mark (void *opaque, struct shard *s, uint64_t local,
            const struct zram_slot *about)
{
  const struct marking *m = opaque;

  if (!(about->flags & ZRAM_SLOT_SAME))
    shard_mark (s, local, MARK_IDLE, m->seconds == 0 ||
                m->now > about->accessed + m->seconds);
  return 0;
}

int
zram_mark_idle (struct zram_disk *d, uint64_t seconds)
{
  struct marking m = { .seconds = seconds };
  struct timespec t;
  uint64_t local, end;
  unsigned i;
  int r = 0;

  if (seconds && !d->track_access)
    return -EINVAL;
  clock_gettime (CLOCK_BOOTTIME, &t);
  m.now = (uint64_t) t.tv_sec;
  for (i = 0; i < shard_count (d); ++i) {
    end = slots_below (d, i, slots_of (d, disk_size (d)));
    for (local = 0; local < end; )
      local += shard_walk (&d->shards[i], local, end, false, slots_mark, &m,
                           &r);
  }
  return 0;
}

/* Listing. */

/* The caller's function runs without the lock: here what there is to tell is
 * only noted.
 */
struct finding {
  bool found;
  struct zram_slot about;
};

static int
slots_note (void *opaque, struct shard *s, uint64_t local,
            const struct zram_slot *about)
{
  struct finding *f = opaque;

  (void) s;
  (void) local;
  f->found = true;
  f->about = *about;
  return 0;
}

/* Slot lies where its shard holds nothing: how many slots from it on, at
 * least n, where no shard does.
 */
static uint64_t
slots_passed_over (const struct zram_disk *d, const uint64_t empty[SHARDS_MAX],
                   uint64_t slot, uint64_t n)
{
  uint64_t least = UINT64_MAX, to;
  unsigned i;

  /* All the way a shard may be asked for every leaf: look now and then. */
  if (slot % map_group (&d->map, ROOT_SLOTS))
    return n;
  for (i = 0; i < shard_count (d); ++i)
    if (empty[i] < least)
      least = empty[i];
  to = map_group (&d->map, least >> NODE_SHIFT << NODE_SHIFT);
  return to > slot + n ? to - slot : n;
}

/* Complete what is known of a slot, and tell it. */
static int
slots_tell (const struct zram_disk *d, uint64_t slot, struct zram_slot *about,
            zram_slot_fn *look, void *opaque)
{
  about->slot = slot;
  if (about->coding < CODINGS_MAX &&
      d->codings.coding[about->coding].priority)
    about->flags |= ZRAM_SLOT_RECOMPRESSED;
  return look (opaque, about);
}

int
zram_each_slot (struct zram_disk *d, uint64_t from, zram_slot_fn *look,
                void *opaque)
{
  /* Up to where a shard was seen to hold nothing: most of a large disk is
   * passed over without a look.
   */
  uint64_t empty[SHARDS_MAX] = { 0 };
  uint64_t slot = from, end = slots_of (d, disk_size (d)), local, n, run;
  struct finding f;
  unsigned i;
  int r = 0;

  for (; slot < end && r == 0; slot += n) {
    /* as far as the leaf goes: the next is another shard's */
    n = NODE_ENTRIES - slot % NODE_ENTRIES;
    if (n > end - slot)
      n = end - slot;
    local = slot_local (d, slot);
    i = (unsigned) (slot_shard (d, slot) - d->shards);
    if (local + n <= empty[i]) {
      n = slots_passed_over (d, empty, slot, n);
      continue;
    }
    f.found = false;
    run = shard_walk (&d->shards[i], local, slots_below (d, i, end), true,
                      slots_note, &f, &r);
    if (f.found)
      r = slots_tell (d, slot, &f.about, look, opaque);
    else
      empty[i] = local + run;
    if (run < n)
      n = run;
  }
  return r;
}
