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

/* What a workspace holds. */
static uint64_t
workspace_bytes (const struct workspaces *ws, const struct workspace *w)
{
  uint64_t bytes = workspace_buffer_bytes (ws->layout);
  unsigned id;

  if (w->encoder.compressor)
    bytes += w->encoder.codec->compressor_bytes (w->encoder.compressor);
  for (id = 0; id < CODEC_MAX; ++id)
    if (w->decompressor[id])
      bytes += decompressor_bytes (codec_get (id), w->decompressor[id]);
  return bytes;
}

/* Free what a workspace has, under its lock. */
static void
workspace_unmake (struct workspaces *ws, struct workspace *w)
{
  unsigned id;

  if (w->encoder.compressor)
    w->encoder.codec->compressor_free (w->encoder.compressor);
  w->encoder.compressor = NULL;
  for (id = 0; id < CODEC_MAX; ++id) {
    if (w->decompressor[id])
      decompressor_free (codec_get (id), w->decompressor[id]);
    w->decompressor[id] = NULL;
  }
  os_free (w->page, workspace_buffer_bytes (ws->layout));
  w->page = NULL;
}

/* The contexts of a new workspace.  False: no memory, and some are made. */
static bool
workspace_make_coders (struct workspaces *ws, struct workspace *w)
{
  const struct coding *now = &ws->codings->coding[ws->codings->now];
  unsigned id;

  for (id = 0; codec_get (id); ++id)
    if (codings_have (ws->codings, id) &&
        !decompressor_new (codec_get (id), &w->decompressor[id]))
      return false;
  w->encoder.coding = ws->codings->now;
  w->encoder.codec = now->codec;
  w->encoder.params = now->params;
  if (!w->encoder.codec)
    return true;                /* the first, of a disk that is being made */
  w->encoder.compressor = w->encoder.codec->compressor_new (w->encoder.params);
  return w->encoder.compressor != NULL;
}

/* Make a workspace, under both locks.  -ENOMEM, or -ENOSPC if the account
 * does not allow it.
 */
static int
workspace_make (struct workspaces *ws, struct workspace *w, bool force)
{
  uint64_t bytes;

  w->page = os_alloc (workspace_buffer_bytes (ws->layout));
  if (!w->page)
    return -ENOMEM;
  w->in = w->page + ws->layout->page;
  w->encoder.out = w->out = w->in + ws->layout->page;
  if (!workspace_make_coders (ws, w)) {
    workspace_unmake (ws, w);
    return -ENOMEM;
  }
  bytes = workspace_bytes (ws, w);
  if (force)
    account_force (ws->account, ACCOUNT_CODECS, bytes);
  else if (account_charge (ws->account, ACCOUNT_CODECS, bytes) < 0) {
    workspace_unmake (ws, w);
    return -ENOSPC;
  }
  return 0;
}

/* Make one more, under `change', and leave it locked.  NULL: no. */
static struct workspace *
workspaces_make_next (struct workspaces *ws, bool force)
{
  unsigned n = ws->made;
  struct workspace *w;

  if (n == ws->max)
    return NULL;
  w = &ws->w[n];
  pthread_mutex_lock (&w->busy);
  if (workspace_make (ws, w, force) < 0) {
    pthread_mutex_unlock (&w->busy);
    return NULL;
  }
  w->wanted = true;
  ws->made = n + 1;
  return w;
}

int
workspaces_init (struct workspaces *ws, unsigned max,
                 const struct layout *layout, struct codings *codings,
                 struct account *account)
{
  struct workspace *first;
  unsigned i;

  *ws = (struct workspaces) {
    .layout = layout, .codings = codings, .account = account,
  };
  ws->w = os_alloc (max * sizeof *ws->w);
  if (!ws->w)
    return -ENOMEM;
  ws->max = max;
  for (i = 0; i < max; ++i)
    pthread_mutex_init (&ws->w[i].busy, NULL);
  pthread_mutex_init (&ws->change, NULL);
  account_force (account, ACCOUNT_CODECS, max * sizeof *ws->w);
  first = workspaces_make_next (ws, true);
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
    workspace_unmake (ws, &ws->w[i]);
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
    bytes += workspace_bytes (ws, &ws->w[i]);
  return bytes;
}

/* Their number. */

int
workspaces_fix (struct workspaces *ws, unsigned n)
{
  struct workspace *w;
  int r = 0;

  pthread_mutex_lock (&ws->change);
  while (ws->made < n && ws->made < ws->max && r == 0) {
    w = workspaces_make_next (ws, true);
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
workspaces_trim_last (struct workspaces *ws, bool wanted)
{
  struct workspace *w = &ws->w[ws->made - 1];
  bool gone;

  if (ws->fixed || ws->made == 1 || pthread_mutex_trylock (&w->busy) != 0)
    return false;
  gone = wanted || !w->wanted;
  if (gone) {
    ws->made--;
    account_credit (ws->account, ACCOUNT_CODECS, workspace_bytes (ws, w));
    workspace_unmake (ws, w);
  }
  pthread_mutex_unlock (&w->busy);
  return gone;
}

void
workspaces_trim (struct workspaces *ws)
{
  unsigned i;

  pthread_mutex_lock (&ws->change);
  while (workspaces_trim_last (ws, false))
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
  while (workspaces_trim_last (ws, true))
    ;
  pthread_mutex_unlock (&ws->change);
}

/* All are taken: one more, if there may be. */
static struct workspace *
workspaces_one_more (struct workspaces *ws)
{
  struct workspace *w = NULL;

  if (ws->made == ws->max || pthread_mutex_trylock (&ws->change) != 0)
    return NULL;
  if (!ws->fixed)
    w = workspaces_make_next (ws, false);
  pthread_mutex_unlock (&ws->change);
  return w;
}

/* Is it there, now that it is locked?  If not it is let go. */
static bool
workspace_is_there (struct workspace *w)
{
  if (!w->page) {
    pthread_mutex_unlock (&w->busy);
    return false;
  }
  w->wanted = true;
  return true;
}

/* Which of n is for this processor, so that its memory is in the right
 * cache.
 */
static unsigned
workspace_here (unsigned n)
{
  int cpu = sched_getcpu ();

  return cpu > 0 ? (unsigned) cpu % n : 0;
}

/* The one of this processor, else any, else one more. */
struct workspace *
workspace_try (struct workspaces *ws)
{
  unsigned n = ws->made, first = workspace_here (n), i;
  struct workspace *w;

  for (i = 0; i < n; ++i) {
    w = &ws->w[(first + i) % n];
    if (pthread_mutex_trylock (&w->busy) == 0 && workspace_is_there (w))
      return w;
  }
  return workspaces_one_more (ws);
}

/* Else wait for that of this processor; it may be gone then, but the first
 * never goes.
 */
struct workspace *
workspace_get (struct workspaces *ws)
{
  struct workspace *w = workspace_try (ws);

  if (w)
    return w;
  w = &ws->w[workspace_here (ws->made)];
  pthread_mutex_lock (&w->busy);
  if (!workspace_is_there (w)) {
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
