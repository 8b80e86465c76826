/* nbdkit-zram: what one thread needs to code one page.
 * SPDX-License-Identifier: BSD-3-Clause
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

static void
charge (struct workspaces *ws, uint64_t bytes)
{
  account_force (ws->account, ACCOUNT_CODECS, bytes);
  ws->charged += bytes;
}

int
workspaces_init (struct workspaces *ws, unsigned n,
                 const struct layout *layout, struct account *account)
{
  unsigned i;

  *ws = (struct workspaces) { .layout = layout, .account = account };
  ws->w = os_alloc (n * sizeof *ws->w);
  if (!ws->w)
    return -ENOMEM;
  ws->n = n;
  for (i = 0; i < n; ++i)
    pthread_mutex_init (&ws->w[i].busy, NULL);
  for (i = 0; i < n; ++i) {
    struct workspace *w = &ws->w[i];

    w->page = os_alloc (buffer_bytes (layout));
    if (!w->page) {
      workspaces_destroy (ws);
      return -ENOMEM;
    }
    w->in = w->page + layout->page;
    w->out = w->in + layout->page;
  }
  charge (ws, n * (sizeof *ws->w + buffer_bytes (layout)));
  return 0;
}

void
workspaces_destroy (struct workspaces *ws)
{
  unsigned i, c;

  for (i = 0; i < ws->n; ++i) {
    struct workspace *w = &ws->w[i];

    for (c = 0; c < CODEC_MAX; ++c)
      if (w->context[c])
        codec_get (c)->context_free (w->context[c]);
    os_free (w->page, buffer_bytes (ws->layout));
    pthread_mutex_destroy (&w->busy);
  }
  os_free (ws->w, ws->n * sizeof *ws->w);
  account_credit (ws->account, ACCOUNT_CODECS, ws->charged);
  *ws = (struct workspaces) { .account = ws->account };
}

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
  uint64_t bytes;

  if (!context)
    return;
  bytes = c->context_bytes (context);
  account_credit (ws->account, ACCOUNT_CODECS, bytes);
  ws->charged -= bytes;
  c->context_free (context);
}

int
workspaces_use (struct workspaces *ws, unsigned codec, const void *params)
{
  const struct codec *c = codec_get (codec);
  void **context = os_alloc (ws->n * sizeof *context);
  unsigned i;
  int r = 0;

  if (!context)
    return -ENOMEM;
  for (i = 0; i < ws->n && r == 0; ++i) {
    context[i] = c->context_new (params);
    if (!context[i])
      r = -ENOMEM;
  }
  for (i = 0; i < ws->n; ++i)
    if (r == 0) {
      charge (ws, c->context_bytes (context[i]));
      discharge (ws, c,
                 switch_context (&ws->w[i], codec, params, context[i]));
    }
    else if (context[i])
      c->context_free (context[i]);
  os_free (context, ws->n * sizeof *context);

  /* Only now that all can read what it writes. */
  for (i = 0; i < ws->n && r == 0; ++i) {
    pthread_mutex_lock (&ws->w[i].busy);
    ws->w[i].codec = codec;
    pthread_mutex_unlock (&ws->w[i].busy);
  }
  return r;
}

/* The one of this processor, else any, else wait for that one. */
struct workspace *
workspace_get (struct workspaces *ws)
{
  int cpu = sched_getcpu ();
  unsigned first = cpu > 0 ? (unsigned) cpu % ws->n : 0, i;

  for (i = 0; i < ws->n; ++i) {
    struct workspace *w = &ws->w[(first + i) % ws->n];

    if (pthread_mutex_trylock (&w->busy) == 0)
      return w;
  }
  pthread_mutex_lock (&ws->w[first].busy);
  return &ws->w[first];
}

void
workspace_put (struct workspace *w)
{
  pthread_mutex_unlock (&w->busy);
}
