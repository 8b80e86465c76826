/* nbdkit-zram: a partial write that is always overtaken.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Another write comes between each try and its end.  After some tries the
 * write must go through all the same, and lose nothing of the other.
 */

#include <config.h>

#include <errno.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u

static struct zram_disk *d;
static struct codec codec;      /* the one in use, as it was */
static unsigned overtaken, tries, held;
static unsigned char other[PAGE];       /* what the others last wrote */

/* Make the whole page something else, unless the one who compresses has
 * the lock: then nobody can.
 */
static void
overtake (void)
{
  struct content c = { .type = CONTENT_RAW, .page = other };
  struct shard *s = slot_shard (d, 1);

  tries++;
  if (pthread_mutex_trylock (&s->lock) != 0) {
    held++;
    return;
  }
  if (tries <= overtaken) {
    page_make (other, PAGE, 2000, tries);
    CHECK (shard_publish (s, 1, &c) == 0);
  }
  pthread_mutex_unlock (&s->lock);
}

static int
compress (const void *params, void *context, const void *src,
          size_t src_len, void *dst, size_t dst_len)
{
  overtake ();
  return codec.compress (params, context, src, src_len, dst, dst_len);
}

static void
test (unsigned times, bool clear)
{
  unsigned char buf[100], got[PAGE];
  uint64_t before = disk_stats (d).merges_retried;

  memset (buf, clear ? 0 : 0x77, sizeof buf);
  page_make (other, PAGE, 1000, 99);
  overtaken = 0;
  CHECK (zram_pwrite (d, other, PAGE, PAGE) == 0);
  overtaken = times;
  tries = held = 0;
  CHECK ((clear ? zram_zero (d, sizeof buf, PAGE + 300)
          : zram_pwrite (d, buf, sizeof buf, PAGE + 300)) == 0);
  memcpy (other + 300, buf, sizeof buf);
  CHECK (zram_pread (d, got, PAGE, PAGE) == 0);
  CHECK (memcmp (got, other, PAGE) == 0);
  printf ("overtaken %u times: %u tries, %u with the lock held\n", times,
          tries, held);
  if (times < 1000) {
    CHECK (tries == times + 1 && held == 0);
    CHECK (disk_stats (d).merges_retried == before + times);
  }
  else {
    CHECK (held == 1 && tries < 100);
    CHECK (disk_stats (d).merges_retried == before + tries - 1);
  }
  disk_recount (d);
}

int
main (void)
{
  struct zram_params p = { .size = 128 * MiB };
  struct codec *in_use;

  d = disk_open (&p);
  /* The registry's copy is no constant; only what it hands out is. */
  in_use = (struct codec *) (uintptr_t) codec_get (d->codecs.now);
  codec = *in_use;
  in_use->compress = compress;
  test (0, false);
  test (1, false);
  test (5, true);
  test (1000, false);
  test (1000, true);
  in_use->compress = codec.compress;
  zram_close (d);
  return 0;
}
