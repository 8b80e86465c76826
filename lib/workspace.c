/* nbdkit-zram: what one thread needs to code one page.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A workspace belongs to whoever holds its lock.  Who holds `change' may
 * wait for that lock; who has a workspace only tries `change', so that
 * neither waits for the other for ever.
 */

#include <config.h>

#include <errno.h>
#include <sched.h>

#include "os.h"
#include "workspace.h"

/* The buffers of one workspace lie together. */
static size_t
buffer_bytes (const struct layout *l)
{
  return 3 * (size_t) l->page;
}

/* What a workspace holds. */
static uint64_t
bytes_of (const struct workspaces *ws, const struct workspace *w)
{
  uint64_t bytes = buffer_bytes (ws->layout);
  unsigned c;

  for (c = 0; c < CODEC_MAX; ++c)
    if (w->context[c])
      bytes += codec_get (c)->context_bytes (w->context[c]);
  return bytes;
}

/* Free what a workspace has, under its lock. */
static void
unmake (struct workspaces *ws, struct workspace *w)
{
  unsigned c;

  for (c = 0; c < CODEC_MAX; ++c) {
    if (w->context[c])
      codec_get (c)->context_free (w->context[c]);
    w->context[c] = NULL;
  }
  os_free (w->page, buffer_bytes (ws->layout));
  w->page = NULL;
}

/* Make a workspace, under both locks, with a context of each codec in
 * use.  -ENOMEM, or -ENOSPC if the account does not allow it.
 */
static int
make (struct workspaces *ws, struct workspace *w, bool force)
{
  uint64_t bytes;
  unsigned c;

  w->page = os_alloc (buffer_bytes (ws->layout));
  if (!w->page)
    return -ENOMEM;
  w->in = w->page + ws->layout->page;
  w->out = w->in + ws->layout->page;
  w->codec = ws->codec;
  for (c = 0; c < CODEC_MAX; ++c) {
    w->params[c] = ws->params[c];
    if (!ws->params[c])
      continue;
    w->context[c] = codec_get (c)->context_new (ws->params[c]);
    if (!w->context[c]) {
      unmake (ws, w);
      return -ENOMEM;
    }
  }
  bytes = bytes_of (ws, w);
  if (force)
    account_force (ws->account, ACCOUNT_CODECS, bytes);
  else if (account_charge (ws->account, ACCOUNT_CODECS, bytes) < 0) {
    unmake (ws, w);
    return -ENOSPC;
  }
  return 0;
}

/* Make one more, under `change', and leave it locked.  NULL: no. */
static struct workspace *
make_next (struct workspaces *ws, bool force)
{
  unsigned n = ws->made;
  struct workspace *w;

  if (n == ws->max)
    return NULL;
  w = &ws->w[n];
  pthread_mutex_lock (&w->busy);
  if (make (ws, w, force) < 0) {
    pthread_mutex_unlock (&w->busy);
    return NULL;
  }
  w->wanted = true;
  ws->made = n + 1;
  return w;
}

int
workspaces_init (struct workspaces *ws, unsigned max,
                 const struct layout *layout, struct account *account)
{
  struct workspace *first;
  unsigned i;

  *ws = (struct workspaces) { .layout = layout, .account = account };
  ws->w = os_alloc (max * sizeof *ws->w);
  if (!ws->w)
    return -ENOMEM;
  ws->max = max;
  for (i = 0; i < max; ++i)
    pthread_mutex_init (&ws->w[i].busy, NULL);
  pthread_mutex_init (&ws->change, NULL);
  account_force (account, ACCOUNT_CODECS, max * sizeof *ws->w);
  first = make_next (ws, true);
  if (!first) {
    workspaces_destroy (ws);
    return -ENOMEM;
  }
  workspace_put (first);
  return 0;
}

void
workspaces_destroy (struct workspaces *ws)
{
  unsigned i;

  if (!ws->w)
    return;
  account_credit (ws->account, ACCOUNT_CODECS, workspaces_bytes (ws));
  for (i = 0; i < ws->made; ++i)
    unmake (ws, &ws->w[i]);
  for (i = 0; i < ws->max; ++i)
    pthread_mutex_destroy (&ws->w[i].busy);
  pthread_mutex_destroy (&ws->change);
  os_free (ws->w, ws->max * sizeof *ws->w);
  *ws = (struct workspaces) { .account = ws->account };
}

uint64_t
workspaces_bytes (const struct workspaces *ws)
{
  uint64_t bytes = ws->max * sizeof *ws->w;
  unsigned i;

  for (i = 0; i < ws->made; ++i)
    bytes += bytes_of (ws, &ws->w[i]);
  return bytes;
}

/* The codec. */

/* Put a new context and parameters in place of the old, and return the
 * old context.  A thread that has the workspace is waited for.
 */
static void *
switch_context (struct workspace *w, unsigned codec, const void *params,
                void *context)
{
  void *old;

  pthread_mutex_lock (&w->busy);
  old = w->context[codec];
  w->context[codec] = context;
  w->params[codec] = params;
  pthread_mutex_unlock (&w->busy);
  return old;
}

static void
discharge (struct workspaces *ws, const struct codec *c, void *context)
{
  if (!context)
    return;
  account_credit (ws->account, ACCOUNT_CODECS, c->context_bytes (context));
  c->context_free (context);
}

/* A context for each workspace, charged.  -ENOMEM or -ENOSPC, and none is
 * left.
 */
static int
make_contexts (struct workspaces *ws, const struct codec *c,
               const void *params, void **context)
{
  int r = 0;
  unsigned i;

  for (i = 0; i < ws->made && r == 0; ++i) {
    context[i] = c->context_new (params);
    r = context[i] ? account_charge (ws->account, ACCOUNT_CODECS,
                                     c->context_bytes (context[i]))
      : -ENOMEM;
    if (r < 0 && context[i])
      c->context_free (context[i]);
  }
  if (r < 0)
    for (--i; i-- > 0; )
      discharge (ws, c, context[i]);
  return r;
}

static int
use (struct workspaces *ws, unsigned codec, const void *params,
     void **context)
{
  const struct codec *c = codec_get (codec);
  unsigned i;
  int r;

  r = make_contexts (ws, c, params, context);
  if (r < 0)
    return r;
  for (i = 0; i < ws->made; ++i)
    discharge (ws, c,
               switch_context (&ws->w[i], codec, params, context[i]));
  /* Only now that all can read what it writes. */
  for (i = 0; i < ws->made; ++i) {
    pthread_mutex_lock (&ws->w[i].busy);
    ws->w[i].codec = codec;
    pthread_mutex_unlock (&ws->w[i].busy);
  }
  ws->params[codec] = params;
  ws->codec = codec;
  return 0;
}

int
workspaces_use (struct workspaces *ws, unsigned codec, const void *params)
{
  void **context = os_alloc (ws->max * sizeof *context);
  int r;

  if (!context)
    return -ENOMEM;
  pthread_mutex_lock (&ws->change);
  r = use (ws, codec, params, context);
  pthread_mutex_unlock (&ws->change);
  os_free (context, ws->max * sizeof *context);
  return r;
}

void
workspaces_drop (struct workspaces *ws, unsigned codec)
{
  unsigned i;

  pthread_mutex_lock (&ws->change);
  for (i = 0; i < ws->made; ++i)
    discharge (ws, codec_get (codec),
               switch_context (&ws->w[i], codec, NULL, NULL));
  ws->params[codec] = NULL;
  pthread_mutex_unlock (&ws->change);
}

/* Their number. */

int
workspaces_fix (struct workspaces *ws, unsigned n)
{
  struct workspace *w;
  int r = 0;

  pthread_mutex_lock (&ws->change);
  while (ws->made < n && ws->made < ws->max && r == 0) {
    w = make_next (ws, true);
    if (w)
      workspace_put (w);
    else
      r = -ENOMEM;
  }
  ws->fixed = r == 0;
  pthread_mutex_unlock (&ws->change);
  return r;
}

/* The last of them goes if nobody has it, nor, but for `wanted', had it
 * lately.
 */
static bool
trim_last (struct workspaces *ws, bool wanted)
{
  struct workspace *w = &ws->w[ws->made - 1];
  bool gone;

  if (ws->fixed || ws->made == 1 || pthread_mutex_trylock (&w->busy) != 0)
    return false;
  gone = wanted || !w->wanted;
  if (gone) {
    ws->made--;
    account_credit (ws->account, ACCOUNT_CODECS, bytes_of (ws, w));
    unmake (ws, w);
  }
  pthread_mutex_unlock (&w->busy);
  return gone;
}

void
workspaces_trim (struct workspaces *ws)
{
  unsigned i;

  pthread_mutex_lock (&ws->change);
  while (trim_last (ws, false))
    ;
  for (i = 0; i < ws->made; ++i)
    if (pthread_mutex_trylock (&ws->w[i].busy) == 0) {
      ws->w[i].wanted = false;
      pthread_mutex_unlock (&ws->w[i].busy);
    }
  pthread_mutex_unlock (&ws->change);
}

void
workspaces_drain (struct workspaces *ws)
{
  pthread_mutex_lock (&ws->change);
  while (trim_last (ws, true))
    ;
  pthread_mutex_unlock (&ws->change);
}

/* All are taken: one more, if there may be. */
static struct workspace *
one_more (struct workspaces *ws)
{
  struct workspace *w = NULL;

  if (ws->made == ws->max || pthread_mutex_trylock (&ws->change) != 0)
    return NULL;
  if (!ws->fixed)
    w = make_next (ws, false);
  pthread_mutex_unlock (&ws->change);
  return w;
}

/* Is it there, now that it is locked?  If not it is let go. */
static bool
have (struct workspace *w)
{
  if (!w->page) {
    pthread_mutex_unlock (&w->busy);
    return false;
  }
  w->wanted = true;
  return true;
}

/* The one of this processor, so that its memory is in the right cache,
 * else any, else one more, else wait for that of this processor; it may
 * be gone then, but the first never goes.
 */
struct workspace *
workspace_get (struct workspaces *ws)
{
  int cpu = sched_getcpu ();
  unsigned n = ws->made, first = cpu > 0 ? (unsigned) cpu % n : 0, i;
  struct workspace *w;

  for (i = 0; i < n; ++i) {
    w = &ws->w[(first + i) % n];
    if (pthread_mutex_trylock (&w->busy) == 0 && have (w))
      return w;
  }
  w = one_more (ws);
  if (w)
    return w;
  w = &ws->w[first];
  pthread_mutex_lock (&w->busy);
  if (!have (w)) {
    w = &ws->w[0];
    pthread_mutex_lock (&w->busy);
  }
  return w;
}

void
workspace_put (struct workspace *w)
{
  pthread_mutex_unlock (&w->busy);
}
