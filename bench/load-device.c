/* nbdkit-zram: how the load generator talks to a block device.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * For the kernel's zram, which does its work in the thread that asks: so
 * each request under way is a thread with O_DIRECT reads and writes, and
 * an asynchronous interface would add cost and win nothing.  Blocks chosen
 * at random are dealt out among the threads, so that no two are at one.
 *
 * All CPU time is reported as the server's, what the threads need to
 * choose a block and take the time being small beside the rest.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "content.h"
#include "support.h"
#include "workload.h"

#define ALIGNMENT 4096

struct worker {
  pthread_t thread;
  unsigned index;
  uint64_t state;
  uint64_t cpu;                 /* used since begin */
  void *buf;
  struct latency latency[KINDS];
};

static int fd = -1;

/* Of the phase that runs. */
static const struct phase *phase;
static unsigned n_workers;
static uint64_t n_blocks;
static uint64_t begin, until;           /* of what counts; until 0: never */
static _Atomic uint64_t issued;

static uint64_t
device_open (void)
{
  uint64_t size;

  fd = open (opt.device, O_RDWR | O_DIRECT | O_CLOEXEC);
  if (fd == -1 || ioctl (fd, BLKGETSIZE64, &size) == -1)
    die ("%s: %s", opt.device, strerror (errno));
  return size;
}

static void
device_close (void)
{
  close (fd);
}

static void
device_do (const struct worker *w, enum nbd_command command, uint64_t offset,
           const char *data)
{
  uint64_t range[2] = { offset, phase->block };
  int64_t r = 0;

  switch (command) {
  case NBD_READ:
    r = pread (fd, w->buf, phase->block, offset) - (int64_t) phase->block;
    break;
  case NBD_WRITE:
    r = pwrite (fd, data, phase->block, offset) - (int64_t) phase->block;
    break;
  case NBD_TRIM:
    r = ioctl (fd, BLKDISCARD, range);
    break;
  default:
    r = ioctl (fd, BLKZEROOUT, range);
  }
  if (r != 0)
    die ("%s: %s", opt.device, strerror (errno));
}

static uint64_t
device_choose_block (struct worker *w, uint64_t number)
{
  const uint64_t n = (n_blocks - w->index + n_workers - 1) / n_workers;

  if (phase->sequential)
    return number % n_blocks;
  return random_below (&w->state, n) * n_workers + w->index;
}

static void *
device_work (void *opaque)
{
  struct worker *w = opaque;
  uint64_t number, block, start, end, cpu = 0;
  enum nbd_command command;
  const char *data = NULL;
  uint32_t content = 0;

  for (;;) {
    number = atomic_fetch_add (&issued, 1);
    start = now ();
    if (until ? start >= until : number >= phase->count)
      break;
    if (start >= begin && !cpu)
      cpu = thread_cpu ();
    block = device_choose_block (w, number);
    command = workload_command (phase, &w->state);
    if (command == NBD_WRITE) {
      content = content_choose (phase, block, &w->state);
      data = content_data (phase, content);
    }
    device_do (w, command, workload_offset (phase, block), data);
    end = now ();
    content_done (phase, command, block, content, w->buf);
    if (start >= begin)
      latency_add (&w->latency[workload_kind (command)], end - start);
  }
  w->cpu = cpu ? thread_cpu () - cpu : 0;
  return NULL;
}

static void
device_start (struct worker *workers)
{
  unsigned i;

  for (i = 0; i < n_workers; ++i) {
    workers[i].index = i;
    workers[i].state = workload_seed (i);
    if (posix_memalign (&workers[i].buf, ALIGNMENT, phase->block) != 0)
      die ("no memory");
    errno = pthread_create (&workers[i].thread, NULL, device_work, &workers[i]);
    if (errno)
      die ("%u threads: %s", n_workers, strerror (errno));
  }
}

/* Run a phase.  Its time ends when it ends, not when this thread wakes, which
 * may have to wait for all the workers.
 */
static void
device_run (const struct phase *p, struct measured *m)
{
  struct worker *workers;
  unsigned i, k;

  phase = p;
  n_workers = p->fills ? 1 : p->depth * opt.connections;
  n_blocks = opt.size / p->block;
  if (n_blocks < n_workers)
    die ("the disk is too small for so many requests at once");
  issued = 0;
  begin = now () + (uint64_t) (p->warmup * 1e9);
  until = p->count ? 0 : begin + (uint64_t) (p->seconds * 1e9);
  workers = allocate (n_workers, sizeof *workers);
  device_start (workers);
  for (i = 0; i < n_workers; ++i) {
    pthread_join (workers[i].thread, NULL);
    m->server += workers[i].cpu;
    for (k = 0; k < KINDS; ++k)
      latency_join (&m->latency[k], &workers[i].latency[k]);
    free (workers[i].buf);
  }
  m->time = (until ? until : now ()) - begin;
  free (workers);
}

const struct engine device_engine = { device_open, device_run, device_close };
