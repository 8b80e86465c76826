/* nbdkit-zram: load an NBD server and time it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread keeps a number of requests under way on each of a number of
 * connections, and prints one line of JSON.  Written data are pieces of a
 * corpus of real pages (see capture); reads that mostly return zeroes are
 * an error, because a compressed disk answers those without any work.
 *
 * A request is sent for a block only when no other is under way for it, so
 * that what it then holds is known: --verify compares all of it.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"
#include "load.h"
#include "nbdclient.h"
#include "servercpu.h"

#define FILL_BLOCK (128 * 1024)
#define FILL_DEPTH 8
#define IOV_MAX_USED 128
#define BUFFER_MIN (256 * 1024)

/* What a block holds: a piece of the corpus, counted from 1, or one of
 * these.
 */
#define UNKNOWN 0
#define ZEROES UINT32_MAX

struct slot {
  struct nbd_request request;
  enum nbd_command command;
  uint64_t block, started;
  uint32_t content;             /* what a write brings */
};

struct connection {
  int fd;
  struct slot *slots;
  unsigned *spare, n_spare;
  unsigned *queue, queued;      /* slots to be sent, in order */
  size_t sent;                  /* of the first in the queue */
  char *buf;
  size_t start, end, room;      /* of what was received */
};

static uint32_t *map;           /* what each block of opt.phase.block holds */
static uint64_t verified;

/* Of the phase that runs. */
static const struct phase *phase;
static struct connection *connections;
static unsigned char *busy;
static uint64_t n_blocks, next_block, issued, underway;
static uint64_t reads_done, reads_of_zeroes;
static bool recording;
static struct latency latency;

static struct latency timed;    /* of opt.phase, to be reported */

static uint64_t
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

static uint64_t
random_below (uint64_t n)
{
  static uint64_t state = 88172645463325252;

  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint64_t) (((unsigned __int128) state * n) >> 64);
}

static void *
allocate (size_t n, size_t size)
{
  void *p = calloc (n, size);

  if (!p)
    die ("no memory");
  return p;
}

/* Contents. */

static bool
all_zero (const char *p, uint64_t len)
{
  return p[0] == 0 && memcmp (p, p + 1, len - 1) == 0;
}

/* The piece of the corpus that a block has after the fill: a large block
 * has the pieces of the small ones in it.
 */
static uint32_t
fill_content (uint64_t block)
{
  return (uint32_t) (block % (opt.corpus_size / phase->block)) + 1;
}

/* Set what the blocks that a request has covered hold now. */
static void
remember (uint64_t block, uint32_t content)
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
compare (uint64_t block, const char *data)
{
  const uint64_t n = phase->block / opt.phase.block, size = opt.phase.block;
  uint64_t i;
  uint32_t c;

  for (i = 0; i < n; ++i, data += size) {
    c = map[block * n + i];
    if (c == UNKNOWN)
      continue;
    if (c == ZEROES ? !all_zero (data, size)
                    : memcmp (data, opt.corpus + (c - 1) * size, size) != 0)
      die ("offset %" PRIu64 " does not hold what was written",
           (block * n + i) * size);
    verified++;
  }
}

/* Requests. */

static uint64_t
choose_block (void)
{
  uint64_t b;

  do
    b = phase->sequential ? next_block++ % n_blocks : random_below (n_blocks);
  while (busy[b]);
  return b;
}

static void
issue (struct connection *c, uint64_t time)
{
  unsigned i = c->spare[--c->n_spare];
  struct slot *s = &c->slots[i];

  s->started = time;
  s->block = choose_block ();
  busy[s->block] = 1;
  s->command = phase->reads && random_below (100) < phase->reads
    ? NBD_READ : phase->other;
  if (s->command == NBD_WRITE)
    s->content = phase == &opt.phase
      ? (uint32_t) random_below (opt.corpus_size / phase->block) + 1
      : fill_content (s->block);
  nbd_encode (&s->request, s->command, i, s->block * phase->block,
              (uint32_t) phase->block);
  c->queue[c->queued++] = i;
  issued++;
  underway++;
}

/* Add the part of a buffer that is after *skip to the list. */
static void
gather (struct iovec *iov, int *n, const void *data, size_t len, size_t *skip)
{
  if (*skip >= len) {
    *skip -= len;
    return;
  }
  iov[*n].iov_base = (char *) data + *skip;
  iov[(*n)++].iov_len = len - *skip;
  *skip = 0;
}

static size_t
length_sent (const struct slot *s)
{
  return sizeof s->request + (s->command == NBD_WRITE ? phase->block : 0);
}

/* Send as much of the queue as the socket takes. */
static void
transmit (struct connection *c)
{
  struct iovec iov[IOV_MAX_USED];
  struct msghdr m = { .msg_iov = iov };
  size_t skip = c->sent;
  unsigned i, done = 0;
  int n = 0;
  ssize_t r;

  for (i = 0; i < c->queued && n + 2 <= IOV_MAX_USED; ++i) {
    struct slot *s = &c->slots[c->queue[i]];
    gather (iov, &n, &s->request, sizeof s->request, &skip);
    if (s->command == NBD_WRITE)
      gather (iov, &n, opt.corpus + (s->content - 1) * phase->block,
              phase->block, &skip);
  }
  if (n == 0)
    return;
  m.msg_iovlen = n;
  r = sendmsg (c->fd, &m, MSG_NOSIGNAL);
  if (r == -1 && errno != EAGAIN)
    die ("the connection is gone: %s", strerror (errno));
  c->sent += r > 0 ? (size_t) r : 0;
  while (done < c->queued &&
         c->sent >= length_sent (&c->slots[c->queue[done]]))
    c->sent -= length_sent (&c->slots[c->queue[done++]]);
  c->queued -= done;
  memmove (c->queue, c->queue + done, c->queued * sizeof *c->queue);
}

static void
complete (struct connection *c, unsigned i, const char *data, uint64_t time)
{
  struct slot *s = &c->slots[i];

  if (s->command == NBD_READ) {
    reads_done++;
    reads_of_zeroes += all_zero (data, phase->block);
    if (phase->compare)
      compare (s->block, data);
  } else if (s->command == NBD_WRITE)
    remember (s->block, s->content);
  else
    remember (s->block, s->command == NBD_ZERO ? ZEROES : UNKNOWN);
  busy[s->block] = 0;
  c->spare[c->n_spare++] = i;
  underway--;
  if (recording)
    latency_add (&latency, time - s->started);
}

/* Take one reply off what was received; false: more is needed. */
static bool
parse (struct connection *c, uint64_t time)
{
  const char *p = c->buf + c->start;
  const size_t have = c->end - c->start;
  size_t need = sizeof (struct nbd_reply);
  uint64_t cookie;
  uint32_t error;

  if (have < need)
    return false;
  if (nbd_decode ((const void *) p, &error, &cookie) == -1 ||
      cookie >= phase->depth)
    die ("the server sent something that is not a reply");
  if (error)
    die ("the server reports error %" PRIu32, error);
  if (c->slots[cookie].command == NBD_READ)
    need += phase->block;
  if (have < need)
    return false;
  c->start += need;
  complete (c, (unsigned) cookie, p + sizeof (struct nbd_reply), time);
  return true;
}

static void
receive (struct connection *c)
{
  ssize_t r;
  uint64_t time;

  if (c->start > 0) {
    memmove (c->buf, c->buf + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
  }
  r = recv (c->fd, c->buf + c->end, c->room - c->end, 0);
  if (r == 0 || (r == -1 && errno != EAGAIN))
    die ("the connection is gone: %s", r ? strerror (errno) : "closed");
  if (r == -1)
    return;
  c->end += (size_t) r;
  time = now ();
  while (parse (c, time))
    ;
}

/* Phases. */

static void
set_up (const struct phase *p)
{
  struct connection *c;
  unsigned i, j;

  phase = p;
  n_blocks = opt.size / p->block;
  next_block = issued = underway = reads_done = reads_of_zeroes = 0;
  busy = allocate (n_blocks, 1);
  if (n_blocks < (uint64_t) p->depth * opt.connections)
    die ("the disk is too small for so many requests at once");
  for (i = 0; i < opt.connections; ++i) {
    c = &connections[i];
    c->slots = allocate (p->depth, sizeof *c->slots);
    c->spare = allocate (p->depth, sizeof *c->spare);
    c->queue = allocate (p->depth, sizeof *c->queue);
    c->room = BUFFER_MIN + 2 * p->block;
    c->buf = allocate (c->room, 1);
    c->n_spare = p->depth;
    for (j = 0; j < p->depth; ++j)
      c->spare[j] = p->depth - 1 - j;
  }
}

static void
tear_down (void)
{
  unsigned i;

  for (i = 0; i < opt.connections; ++i) {
    free (connections[i].slots);
    free (connections[i].spare);
    free (connections[i].queue);
    free (connections[i].buf);
  }
  free (busy);
}

/* One turn: send what may be sent, wait, take what has come. */
static void
turn (struct pollfd *fds, bool more)
{
  const uint64_t time = now ();
  struct connection *c;
  unsigned i;

  for (i = 0; i < opt.connections; ++i) {
    c = &connections[i];
    while (more && c->n_spare && (!phase->count || issued < phase->count))
      issue (c, time);
    if (c->queued)
      transmit (c);
    fds[i].fd = c->fd;
    fds[i].events = POLLIN | (c->queued ? POLLOUT : 0);
  }
  if (underway && poll (fds, opt.connections, -1) == -1)
    die ("poll: %s", strerror (errno));
  for (i = 0; i < opt.connections; ++i)
    if (fds[i].revents & ~POLLOUT)
      receive (&connections[i]);
}

/* What was used until some moment. */
struct usage {
  uint64_t time, server, client;
};

static struct usage
usage (void)
{
  struct usage u = { .time = now () };
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  u.client = (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
  u.server = opt.server ? server_cpu (opt.server) : 0;
  return u;
}

/* Run it, and say what was used while it was measured. */
static struct usage
run (const struct phase *p)
{
  struct pollfd *fds = allocate (opt.connections, sizeof *fds);
  struct usage begin, end;
  uint64_t until;

  set_up (p);
  until = now () + (uint64_t) (p->warmup * 1e9);
  while (now () < until)
    turn (fds, true);
  memset (&latency, 0, sizeof latency);
  recording = true;
  issued = underway;
  begin = usage ();
  until = begin.time + (uint64_t) (p->seconds * 1e9);
  while (p->count ? issued < p->count || underway > 0 : now () < until)
    turn (fds, true);
  end = usage ();
  recording = false;
  while (underway > 0)
    turn (fds, false);
  tear_down ();
  free (fds);
  end.time -= begin.time;
  end.server -= begin.server;
  end.client -= begin.client;
  return end;
}

/* Write the corpus over the disk, or read all of the disk, once. */
static struct usage
run_once (unsigned reads)
{
  struct phase p = {
    .reads = reads, .other = NBD_WRITE, .sequential = true,
    .compare = reads > 0, .block = FILL_BLOCK, .depth = FILL_DEPTH,
  };

  if (p.block < opt.phase.block)
    p.block = opt.phase.block;
  p.count = opt.size / p.block;
  if (p.depth > p.count / opt.connections)
    p.depth = 1;
  return run (&p);
}

static void
report (const struct usage *fill, const struct usage *u)
{
  const struct phase *p = &opt.phase;
  const double n = (double) timed.count, s = (double) u->time / 1e9;

  printf ("{\"op\": \"%s\", \"pattern\": \"%s\", \"block\": %" PRIu64
          ", \"connections\": %u, \"depth\": %u, \"size\": %" PRIu64
          ", \"seconds\": %.3f, \"ops\": %.0f, \"iops\": %.1f"
          ", \"mb_per_s\": %.2f",
          p->op, p->pattern, p->block, opt.connections, p->depth, opt.size,
          s, n, n / s, n * (double) p->block / s / 1e6);
  printf (", \"latency_us\": {\"mean\": %.1f, \"p50\": %.1f, \"p99\": %.1f"
          ", \"p99.9\": %.1f, \"max\": %.1f}",
          (double) timed.sum / n / 1e3,
          (double) latency_percentile (&timed, 0.5) / 1e3,
          (double) latency_percentile (&timed, 0.99) / 1e3,
          (double) latency_percentile (&timed, 0.999) / 1e3,
          (double) timed.max / 1e3);
  printf (", \"client_us_per_op\": %.3f", (double) u->client / n / 1e3);
  if (opt.server)
    printf (", \"server_us_per_op\": %.3f", (double) u->server / n / 1e3);
  if (fill)
    printf (", \"fill_mb_per_s\": %.2f",
            (double) opt.size / ((double) fill->time / 1e9) / 1e6);
  if (opt.verify)
    printf (", \"verified\": %" PRIu64, verified);
  printf ("}\n");
}

/* Everything is in whole pieces of what the fill writes. */
static void
settle_sizes (uint64_t size)
{
  uint64_t piece = opt.phase.block;

  if (piece < FILL_BLOCK)
    piece = FILL_BLOCK;
  if (opt.corpus) {
    opt.corpus_size -= opt.corpus_size % piece;
    if (opt.corpus_size == 0)
      die ("the corpus has less than %" PRIu64 " bytes", piece);
    if (opt.size == 0)
      opt.size = opt.corpus_size;
  }
  if (opt.size == 0 || opt.size > size)
    opt.size = size;
  opt.size -= opt.size % piece;
  if (opt.size == 0)
    die ("the disk has less than %" PRIu64 " bytes", piece);
}

static void
connect_all (void)
{
  uint64_t size;
  unsigned i;

  connections = allocate (opt.connections, sizeof *connections);
  for (i = 0; i < opt.connections; ++i)
    connections[i].fd = nbd_connect (&opt.address, &size);
  settle_sizes (size);
}

static void
disconnect_all (void)
{
  struct nbd_request request;
  unsigned i;

  nbd_encode (&request, NBD_DISCONNECT, 0, 0, 0);
  for (i = 0; i < opt.connections; ++i) {
    send (connections[i].fd, &request, sizeof request, MSG_NOSIGNAL);
    close (connections[i].fd);
  }
}

int
main (int argc, char *argv[])
{
  struct usage fill, used;

  load_options (argc, argv);
  connect_all ();
  if (opt.verify)
    map = allocate (opt.size / opt.phase.block, sizeof *map);
  if (opt.fill)
    fill = run_once (0);
  used = run (&opt.phase);
  if (latency.count == 0)
    die ("not one request was answered in time");
  if (reads_done && reads_of_zeroes > reads_done / 2 && !opt.zeroes_allowed)
    die ("most of what was read is zeroes: fill the disk first");
  timed = latency;
  if (opt.verify)
    run_once (100);
  disconnect_all ();
  report (opt.fill ? &fill : NULL, &used);
  return EXIT_SUCCESS;
}
