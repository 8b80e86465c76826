/* nbdkit-zram: how the load generator talks to an NBD server.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread keeps a number of requests under way on each of a number of
 * connections.  A request is sent for a block only when no other is under
 * way for it, so that what it then holds is known.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "content.h"
#include "support.h"
#include "workload.h"
#include "zipf.h"

#define IOV_MAX_USED 128
#define BUFFER_MIN (256 * 1024)

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

/* Of the phase that runs. */
static const struct phase *phase;
static struct connection *connections;
static unsigned char *busy;
static uint64_t n_blocks, next_block, issued, underway;
static bool recording;
static struct latency *latency; /* of each kind */

static uint64_t state;

/* Requests. */

static uint64_t
nbd_choose_block (void)
{
  uint64_t b;

  /* What comes often may be under way twice. */
  if (phase->zipf)
    return zipf_below (&state, n_blocks);
  do
    b = phase->sequential ? next_block++ % n_blocks
                          : random_below (&state, n_blocks);
  while (busy[b]);
  return b;
}

static void
nbd_issue (struct connection *c, uint64_t time)
{
  unsigned i = c->spare[--c->n_spare];
  struct slot *s = &c->slots[i];

  s->started = time;
  s->block = nbd_choose_block ();
  busy[s->block] = 1;
  s->command = workload_command (phase, &state);
  if (s->command == NBD_WRITE)
    s->content = content_choose (phase, s->block, &state);
  nbd_encode (&s->request, s->command, i, workload_offset (phase, s->block),
              (uint32_t) phase->block);
  c->queue[c->queued++] = i;
  issued++;
  underway++;
}

/* Add the part of a buffer that is after *skip to the list. */
static void
nbd_gather (struct iovec *iov, int *n, const void *data, size_t len,
            size_t *skip)
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
nbd_length_sent (const struct slot *s)
{
  return sizeof s->request + (s->command == NBD_WRITE ? phase->block : 0);
}

/* Send as much of the queue as the socket takes. */
static void
nbd_transmit (struct connection *c)
{
  struct iovec iov[IOV_MAX_USED];
  struct msghdr m = { .msg_iov = iov };
  size_t skip = c->sent;
  unsigned i, done = 0;
  int n = 0;
  ssize_t r;

  for (i = 0; i < c->queued && n + 2 <= IOV_MAX_USED; ++i) {
    struct slot *s = &c->slots[c->queue[i]];
    nbd_gather (iov, &n, &s->request, sizeof s->request, &skip);
    if (s->command == NBD_WRITE)
      nbd_gather (iov, &n, content_data (phase, s->content), phase->block,
              &skip);
  }
  if (n == 0)
    return;
  m.msg_iovlen = n;
  r = sendmsg (c->fd, &m, MSG_NOSIGNAL);
  if (r == -1 && errno != EAGAIN)
    die ("the connection is gone: %s", strerror (errno));
  c->sent += r > 0 ? (size_t) r : 0;
  while (done < c->queued &&
         c->sent >= nbd_length_sent (&c->slots[c->queue[done]]))
    c->sent -= nbd_length_sent (&c->slots[c->queue[done++]]);
  c->queued -= done;
  memmove (c->queue, c->queue + done, c->queued * sizeof *c->queue);
}

static void
nbd_complete (struct connection *c, unsigned i, const char *data, uint64_t time)
{
  struct slot *s = &c->slots[i];

  content_done (phase, s->command, s->block, s->content, data);
  busy[s->block] = 0;
  c->spare[c->n_spare++] = i;
  underway--;
  if (recording)
    latency_add (&latency[workload_kind (s->command)], time - s->started);
}

/* Take one reply from what was received.  False: more is needed. */
static bool
nbd_parse (struct connection *c, uint64_t time)
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
  nbd_complete (c, (unsigned) cookie, p + sizeof (struct nbd_reply), time);
  return true;
}

static void
nbd_receive (struct connection *c)
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
  while (nbd_parse (c, time))
    ;
}

/* Phases. */

static void
nbd_set_up (const struct phase *p)
{
  struct connection *c;
  unsigned i, j;

  phase = p;
  n_blocks = opt.size / p->block;
  next_block = issued = underway = 0;
  busy = allocate (n_blocks, 1);
  if (n_blocks < (uint64_t) p->depth * opt.connections)
    die ("the disk is too small for so many requests at once");
  for (i = 0; i < opt.connections; ++i) {
    c = &connections[i];
    c->slots = allocate (p->depth, sizeof *c->slots);
    c->spare = allocate (p->depth, sizeof *c->spare);
    c->queue = allocate (p->depth, sizeof *c->queue);
    c->room = BUFFER_MIN + (p->reads ? 2 * p->block : 0);
    c->buf = allocate (c->room, 1);
    c->n_spare = p->depth;
    for (j = 0; j < p->depth; ++j)
      c->spare[j] = p->depth - 1 - j;
  }
}

static void
nbd_tear_down (void)
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

/* Do one turn: send what may be sent, wait, take what has come. */
static void
nbd_turn (struct pollfd *fds, bool more)
{
  const uint64_t time = now ();
  struct connection *c;
  unsigned i;

  for (i = 0; i < opt.connections; ++i) {
    c = &connections[i];
    while (more && c->n_spare && (!phase->count || issued < phase->count))
      nbd_issue (c, time);
    if (c->queued)
      nbd_transmit (c);
    fds[i].fd = c->fd;
    fds[i].events = POLLIN | (c->queued ? POLLOUT : 0);
  }
  if (underway && poll (fds, opt.connections, -1) == -1)
    die ("poll: %s", strerror (errno));
  for (i = 0; i < opt.connections; ++i)
    if (fds[i].revents & ~POLLOUT)
      nbd_receive (&connections[i]);
}

static void
nbd_run (const struct phase *p, struct measured *m)
{
  struct pollfd *fds = allocate (opt.connections, sizeof *fds);
  struct measured begin;
  uint64_t until;

  nbd_set_up (p);
  latency = m->latency;
  until = now () + (uint64_t) (p->warmup * 1e9);
  while (now () < until)
    nbd_turn (fds, true);
  recording = true;
  issued = underway;
  workload_times (&begin);
  until = begin.time + (uint64_t) (p->seconds * 1e9);
  while (p->count ? issued < p->count || underway > 0 : now () < until)
    nbd_turn (fds, true);
  workload_times (m);
  recording = false;
  while (underway > 0)
    nbd_turn (fds, false);
  nbd_tear_down ();
  free (fds);
  m->time -= begin.time;
  m->server -= begin.server;
  m->client -= begin.client;
}

static uint64_t
nbd_open (void)
{
  uint64_t size;
  unsigned i;

  state = workload_seed (0);
  connections = allocate (opt.connections, sizeof *connections);
  for (i = 0; i < opt.connections; ++i)
    connections[i].fd = nbd_connect (&opt.address, &size);
  return size;
}

static void
nbd_close (void)
{
  struct nbd_request request;
  unsigned i;

  nbd_encode (&request, NBD_DISCONNECT, 0, 0, 0);
  for (i = 0; i < opt.connections; ++i) {
    send (connections[i].fd, &request, sizeof request, MSG_NOSIGNAL);
    close (connections[i].fd);
  }
}

const struct engine nbd_engine = { nbd_open, nbd_run, nbd_close };
