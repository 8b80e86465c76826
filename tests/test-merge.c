/* nbdkit-zram: a partial write that is always overtaken; turns.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Another write comes between each try and its end.  After some tries the
 * write takes a turn, and all others who would change the page wait for
 * it, in the order in which they came; whatever becomes of it they go on.
 */

#include <config.h>

#include <errno.h>
#include <unistd.h>

#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define AT 300u                 /* of the part that is written */
#define PART 100u

static struct zram_disk *d;
static struct shard *s;         /* of page 1, the one they fight over */
static struct codec codec;      /* the one in use, as it was */
static struct codec *in_use;
static unsigned overtaken, tries, turns;
static unsigned char other[PAGE];       /* what the others last wrote */

/* To stop the one who merges while he has his turn. */
static _Atomic bool stop_turn, stopped, fail_turn;
static __thread bool merging;

static bool
has_turn (void)
{
  return turn_next (&s->claims, 1, 2) == 1;
}

/* Make the whole page something else, unless that would have to wait: then
 * whoever compresses has his turn.  Nobody has the lock.
 */
static void
overtake (void)
{
  struct content c = { .type = CONTENT_RAW, .page = other };

  tries++;
  CHECK (pthread_mutex_trylock (&s->lock) == 0);
  if (has_turn ())
    turns++;
  else if (tries <= overtaken) {
    page_make (other, PAGE, 2000, tries);
    CHECK (shard_publish (s, 1, &c) == 0);
  }
  pthread_mutex_unlock (&s->lock);
}

static int
compress (const void *params, void *compressor, const void *src,
          size_t src_len, void *dst, size_t dst_len)
{
  overtake ();
  return codec.compress (params, compressor, src, src_len, dst, dst_len);
}

static void
test (unsigned times, bool clear)
{
  unsigned char buf[PART], got[PAGE];
  uint64_t before = disk_stats (d).merges_retried;

  memset (buf, clear ? 0 : 0x77, sizeof buf);
  page_make (other, PAGE, 1000, 99);
  overtaken = 0;
  CHECK (zram_pwrite (d, other, PAGE, PAGE) == 0);
  overtaken = times;
  tries = turns = 0;
  CHECK ((clear ? zram_zero (d, sizeof buf, PAGE + AT)
          : zram_pwrite (d, buf, sizeof buf, PAGE + AT)) == 0);
  memcpy (other + AT, buf, sizeof buf);
  CHECK (zram_pread (d, got, PAGE, PAGE) == 0);
  CHECK (memcmp (got, other, PAGE) == 0);
  printf ("overtaken %u times: %u tries, %u with a turn\n", times, tries,
          turns);
  CHECK (disk_stats (d).merges_retried == before + tries - 1);
  if (times < 3)
    CHECK (tries == times + 1 && turns == 0);
  else
    CHECK (turns == 1 && tries < 10);
  CHECK (!s->claims.first && !s->claims.queue);
  disk_recount (d);
}

/* Others. */

static bool
somebody_has_turn (void)
{
  bool any;

  shard_lock (s);
  any = has_turn ();
  shard_unlock (s);
  return any;
}

/* Whoever merges is overtaken, as if by one who wrote the same again, for
 * as long as nobody has a turn.
 */
static int
compress_overtaken (const void *params, void *compressor, const void *src,
                    size_t src_len, void *dst, size_t dst_len)
{
  if (merging) {
    shard_lock (s);
    if (!has_turn ())
      claims_break (&s->claims, 1, 2);
    shard_unlock (s);
  }
  return codec.compress (params, compressor, src, src_len, dst, dst_len);
}

/* Whoever merges stops here when he has his turn. */
static int
decompress_stopping (const void *reader, void *decompressor, const void *src,
                     size_t src_len, void *dst, size_t dst_len)
{
  if (merging && somebody_has_turn ()) {
    stopped = true;
    while (stop_turn)
      usleep (100);
    if (fail_turn)
      return -EIO;
  }
  return codec.decompress (reader, decompressor, src, src_len, dst, dst_len);
}

enum what { MERGE, WHOLE, MERGE_LATE, TRIM_MANY, ZERO, WHATS };
static int result[WHATS];
static pthread_t thread[WHATS];

static void
make (unsigned char *buf, enum what what)
{
  page_make (buf, PAGE, 1500, 1000 + what);
}

static void *
other_thread (void *arg)
{
  enum what what = (enum what) (uintptr_t) arg;
  unsigned char buf[PAGE];
  int r = 0;

  merging = what == MERGE;
  make (buf, what);
  switch (what) {
  case MERGE: case MERGE_LATE: r = zram_pwrite (d, buf, PART, PAGE + AT); break;
  case WHOLE: r = zram_pwrite (d, buf, PAGE, PAGE); break;
  case TRIM_MANY: r = zram_trim (d, 60 * PAGE, 0); break;
  case ZERO: r = zram_zero (d, PAGE, PAGE); break;
  case WHATS: break;
  }
  result[what] = r;
  return NULL;
}

static unsigned
queue_length (void)
{
  const struct turn *t;
  unsigned n = 0;

  shard_lock (s);
  for (t = s->claims.queue; t; t = t->next)
    n++;
  shard_unlock (s);
  return n;
}

/* Start one more, and see it wait. */
static void
start (enum what what)
{
  unsigned n = queue_length ();

  CHECK (pthread_create (&thread[what], NULL, other_thread,
                         (void *) (uintptr_t) what) == 0);
  while (queue_length () == n)
    usleep (100);
}

/* One who merges has his turn. */
static void
start_turn (void)
{
  in_use->compress = compress_overtaken;
  in_use->decompress = decompress_stopping;
  stop_turn = true;
  stopped = false;
  page_make (other, PAGE, 2000, 5);
  CHECK (zram_pwrite (d, other, PAGE, PAGE) == 0);
  start (MERGE);
  while (!stopped)
    usleep (100);
}

static void
finish (enum what what, int r)
{
  pthread_join (thread[what], NULL);
  CHECK (result[what] == r);
}

static void
check_page (const unsigned char *want)
{
  unsigned char got[PAGE];

  CHECK (zram_pread (d, got, PAGE, PAGE) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
  CHECK (!s->claims.first && !s->claims.queue);
  disk_recount (d);
}

/* Who comes while a turn lasts waits, and goes on in the order of coming.
 * The rest of the disk, and readers, do not notice.
 */
static void
test_queue (void)
{
  unsigned char got[PAGE], part[PAGE];
  unsigned i;

  start_turn ();
  for (i = WHOLE; i < WHATS; ++i)
    start ((enum what) i);
  CHECK (queue_length () == WHATS);
  CHECK (zram_pread (d, got, PAGE, PAGE) == 0);
  CHECK (memcmp (got, other, PAGE) == 0);
  CHECK (zram_pwrite (d, other, PAGE, 65 * PAGE) == 0);
  CHECK (zram_pwrite (d, other, 10, 66 * PAGE) == 0);
  CHECK (zram_trim (d, PAGE, 67 * PAGE) == 0);
  CHECK (queue_length () == WHATS);
  stop_turn = false;
  for (i = 0; i < WHATS; ++i)
    finish ((enum what) i, 0);
  /* What merged late had to do it again, after the last. */
  make (part, MERGE_LATE);
  memset (got, 0, PAGE);
  memcpy (got + AT, part, PART);
  check_page (got);
}

/* Who has the turn fails: whoever waits goes on. */
static void
test_failure (void)
{
  unsigned char want[PAGE];

  start_turn ();
  start (WHOLE);
  fail_turn = true;
  stop_turn = false;
  finish (MERGE, -EIO);
  finish (WHOLE, 0);
  fail_turn = false;
  make (want, WHOLE);
  check_page (want);
}

/* A reset does not wait for turns; it breaks the claim, and the write is
 * done again on the disk as it is then.
 */
static void
test_reset (void)
{
  unsigned char want[PAGE], part[PAGE];
  uint64_t retried;

  start_turn ();
  CHECK (zram_reset (d) == 0);
  retried = disk_stats (d).merges_retried;
  stop_turn = false;
  finish (MERGE, 0);
  CHECK (disk_stats (d).merges_retried == retried + 1);
  make (part, MERGE);
  memset (want, 0, PAGE);
  memcpy (want + AT, part, PART);
  check_page (want);
}

/* A shrink does not wait for turns either: the slot is gone. */
static void
test_shrink (void)
{
  char message[ZRAM_MESSAGE_MAX];
  uint64_t size = zram_size (d);
  unsigned char want[PAGE];

  start_turn ();
  start (WHOLE);
  CHECK (zram_reset (d) == 0);
  CHECK (zram_resize (d, PAGE, message) == 0);
  stop_turn = false;
  finish (MERGE, -EINVAL);
  finish (WHOLE, -EINVAL);
  CHECK (zram_resize (d, size, message) == 0);
  memset (want, 0, PAGE);
  check_page (want);
}

/* A write that finds no memory leaves no claim, and no turn. */
static void
test_short (void)
{
  unsigned char part[PART], want[PAGE];

  in_use->compress = codec.compress;
  in_use->decompress = codec.decompress;
  page_make (part, PART, PART, 1);
  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  zram_set_mem_limit (d, 1);
  CHECK (zram_compact (d) == 0);
  CHECK (zram_pwrite (d, part, PART, PAGE + AT) == -ENOSPC);
  zram_set_mem_limit (d, 0);
  memset (want, 0, PAGE);
  check_page (want);
}

/* Many who merge, each always overtaken until it has a turn. */

#define MERGERS 6
#define ROUNDS 40

static void *
merger_thread (void *arg)
{
  unsigned n = (unsigned) (uintptr_t) arg, i;
  unsigned char buf[PART];

  merging = true;
  for (i = 1; i <= ROUNDS; ++i) {
    memset (buf, (int) (n * 16 + i), sizeof buf);
    CHECK (zram_pwrite (d, buf, PART, PAGE + n * AT) == 0);
  }
  return NULL;
}

static void
test_crowd (void)
{
  pthread_t crowd[MERGERS];
  unsigned char want[PAGE];
  uintptr_t n;

  page_make (want, PAGE, 2000, 7);
  CHECK (zram_pwrite (d, want, PAGE, PAGE) == 0);
  in_use->compress = compress_overtaken;
  for (n = 0; n < MERGERS; ++n)
    CHECK (pthread_create (&crowd[n], NULL, merger_thread,
                           (void *) n) == 0);
  for (n = 0; n < MERGERS; ++n) {
    pthread_join (crowd[n], NULL);
    memset (want + n * AT, (int) (n * 16 + ROUNDS), PART);
  }
  check_page (want);
}

int
main (void)
{
  struct zram_params p = { .size = 128 * MiB };

  d = disk_open (&p);
  s = slot_shard (d, 1);
  /* The registry's copy is no constant; only what it hands out is. */
  in_use = (struct codec *) (uintptr_t) codec_get
    (d->codings.coding[d->codings.now].id);
  codec = *in_use;
  in_use->compress = compress;
  test (0, false);
  test (1, false);
  test (2, true);
  test (1000, false);
  test (1000, true);
  test_queue ();
  test_failure ();
  test_reset ();
  test_shrink ();
  test_short ();
  in_use->decompress = codec.decompress;
  test_crowd ();
  in_use->compress = codec.compress;
  zram_close (d);
  return 0;
}
