/* nbdkit-zram: somebody sets the clock back.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The time of day goes back by a day while threads wait for a moment: the
 * keeper must go on tidying up, the reserve must be filled again, and who
 * waits for a client to go must not wait for a day.  The linker puts the
 * functions here in the place of the system's: the time of day is ours,
 * and who waits by it waits until ours has come, as with the system's.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "../control/devices.h"
#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)
#define PAGE 4096u
#define DAY 86400
#define PATIENCE_MS 20000       /* what takes longer hangs */

static _Atomic time_t put_back; /* seconds */

extern int __real_clock_gettime (clockid_t clock, struct timespec *t);
extern int __wrap_clock_gettime (clockid_t clock, struct timespec *t);
int
__wrap_clock_gettime (clockid_t clock, struct timespec *t)
{
  int r = __real_clock_gettime (clock, t);

  if (clock == CLOCK_REALTIME)
    t->tv_sec -= put_back;
  return r;
}

/* The conditions that do not go by the time of day. */
#define CONDITIONS 256
static pthread_cond_t *_Atomic monotonic[CONDITIONS];
static _Atomic unsigned conditions;

extern int __real_pthread_cond_init (pthread_cond_t *cond,
                                     const pthread_condattr_t *attr);
extern int __wrap_pthread_cond_init (pthread_cond_t *cond,
                                     const pthread_condattr_t *attr);
int
__wrap_pthread_cond_init (pthread_cond_t *cond,
                          const pthread_condattr_t *attr)
{
  clockid_t clock = CLOCK_REALTIME;

  if (attr)
    pthread_condattr_getclock (attr, &clock);
  if (clock == CLOCK_MONOTONIC) {
    CHECK (conditions < CONDITIONS);
    monotonic[conditions++] = cond;
  }
  return __real_pthread_cond_init (cond, attr);
}

static bool
is_monotonic (const pthread_cond_t *cond)
{
  unsigned i;

  for (i = 0; i < conditions; ++i)
    if (monotonic[i] == cond)
      return true;
  return false;
}

static bool
has_come (const struct timespec *until)
{
  struct timespec t;

  __wrap_clock_gettime (CLOCK_REALTIME, &t);
  return t.tv_sec > until->tv_sec ||
    (t.tv_sec == until->tv_sec && t.tv_nsec >= until->tv_nsec);
}

extern int __real_pthread_cond_timedwait (pthread_cond_t *cond,
                                          pthread_mutex_t *mutex,
                                          const struct timespec *until);
extern int __wrap_pthread_cond_timedwait (pthread_cond_t *cond,
                                          pthread_mutex_t *mutex,
                                          const struct timespec *until);
int
__wrap_pthread_cond_timedwait (pthread_cond_t *cond, pthread_mutex_t *mutex,
                               const struct timespec *until)
{
  struct timespec soon;
  int r = ETIMEDOUT;

  if (is_monotonic (cond))
    return __real_pthread_cond_timedwait (cond, mutex, until);
  while (r == ETIMEDOUT && !has_come (until)) {
    __real_clock_gettime (CLOCK_REALTIME, &soon);
    soon.tv_nsec += 10000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    r = __real_pthread_cond_timedwait (cond, mutex, &soon);
  }
  return r;
}

static void
wait_until (bool (*done) (void), const char *what)
{
  unsigned ms;

  for (ms = 0; !done (); ms += 10) {
    if (ms > PATIENCE_MS)
      fail ("%s: not within %u s", what, PATIENCE_MS / 1000);
    usleep (10000);
  }
}

static struct zram_disk *d;

static void
write_pages (uint64_t from, uint64_t to)
{
  unsigned char page[PAGE];
  uint64_t i;

  for (i = from; i < to; ++i) {
    page_make (page, PAGE, 1500, i + 1);
    CHECK (zram_pwrite (d, page, PAGE, i * PAGE) == 0);
  }
}

/* The keeper gives back what is kept ready for writes. */
static bool
is_tidy (void)
{
  struct shard *s = &d->shards[0];
  bool tidy;

  shard_lock (s);
  tidy = s->store.arena.spare == NIL && s->store.arena.segments.nhot == 0;
  shard_unlock (s);
  return tidy;
}

static void
test_keeper (void)
{
  struct zram_params p = { .size = 64 * MiB };

  d = disk_open (&p);
  CHECK (zram_keeper_start (d) == 0);
  write_pages (0, 1000);
  CHECK (zram_trim (d, 500 * PAGE, 0) == 0);
  wait_until (is_tidy, "tidied up");
  put_back = DAY;
  write_pages (0, 1000);
  CHECK (zram_trim (d, 500 * PAGE, 0) == 0);
  wait_until (is_tidy, "tidied up, with the clock set back");
  disk_recount (d);
  zram_close (d);
  put_back = 0;
}

/* The reserve is as full as it was at the start, and it was used. */
static uint64_t full;

static bool
is_full (void)
{
  return disk_stats (d).mem_ready >= full;
}

static void
test_reserve (void)
{
  struct zram_params p = {
    .size = 64 * MiB, .swap = true, .swap_reserve = 4 * MiB,
  };

  d = disk_open (&p);
  CHECK (zram_keeper_start (d) == 0);
  full = disk_stats (d).mem_ready;
  CHECK (full >= 4 * MiB);
  write_pages (0, 500);
  wait_until (is_full, "reserve filled");
  put_back = DAY;
  write_pages (500, 1000);
  wait_until (is_full, "reserve filled, with the clock set back");
  zram_close (d);
  put_back = 0;
}

/* Devices */

static _Atomic bool answered;

static void *
be_alone (void *dev)
{
  char message[ZRAM_MESSAGE_MAX];

  CHECK (device_alone (dev, message) == -EBUSY);
  CHECK (strstr (message, "1 client is connected"));
  answered = true;
  return NULL;
}

static bool
has_answered (void)
{
  return answered;
}

static void
test_device (void)
{
  struct zram_params p = { .size = 64 * MiB };
  char message[ZRAM_MESSAGE_MAX];
  struct device *dev;
  pthread_t thread;
  unsigned number;

  CHECK (device_add (&p, &number, message) == 0);
  dev = device_connect (number);
  CHECK (dev != NULL);
  CHECK (pthread_create (&thread, NULL, be_alone, dev) == 0);
  usleep (200000);              /* by then it waits, for a second */
  put_back = DAY;
  wait_until (has_answered, "answer to who wants a device alone");
  CHECK (pthread_join (thread, NULL) == 0);
  device_disconnect (dev);
  devices_free ();
  put_back = 0;
}

int
main (void)
{
  test_keeper ();
  test_reserve ();
  test_device ();
  return 0;
}
