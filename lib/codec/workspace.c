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
workspace_buffer_bytes (const struct layout *l)
{
  return 3 * (size_t) l->page;
}

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
  w->encoder.out = w->in + ws->layout->page;
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

/* The codings. */

/* What one workspace is to have for a new coding. */
struct coders {
  void *compressor, *decompressor;
};

static void
workspaces_free_compressor (struct workspaces *ws, const struct codec *c,
                            void *compressor)
{
  if (!compressor)
    return;
  account_credit (ws->account, ACCOUNT_CODECS,
                  c->compressor_bytes (compressor));
  c->compressor_free (compressor);
}

static void
workspaces_free_decompressor (struct workspaces *ws, const struct codec *c,
                              void *decompressor)
{
  account_credit (ws->account, ACCOUNT_CODECS,
                  decompressor_bytes (c, decompressor));
  decompressor_free (c, decompressor);
}

/* Make a compressor, and with `both' a decompressor, and charge them.
 * -ENOMEM or -ENOSPC, and there is none.
 */
static int
workspaces_make_coders (struct workspaces *ws, const struct codec *c,
                        const void *params, bool both, struct coders *made)
{
  int r = -ENOMEM;

  *made = (struct coders) { .compressor = c->compressor_new (params) };
  if (!made->compressor)
    return -ENOMEM;
  if (!both || decompressor_new (c, &made->decompressor))
    r = account_charge (ws->account, ACCOUNT_CODECS,
                        c->compressor_bytes (made->compressor) +
                        decompressor_bytes (c, made->decompressor));
  if (r < 0) {
    c->compressor_free (made->compressor);
    decompressor_free (c, made->decompressor);
  }
  return r;
}

/* For each workspace.  -ENOMEM or -ENOSPC, and none is left. */
static int
workspaces_make_all_coders (struct workspaces *ws, const struct codec *c,
                            const void *params, bool both,
                            struct coders *made)
{
  unsigned i;
  int r = 0;

  for (i = 0; i < ws->made && r == 0; ++i)
    r = workspaces_make_coders (ws, c, params, both, &made[i]);
  if (r < 0)
    for (--i; i-- > 0; ) {
      workspaces_free_compressor (ws, c, made[i].compressor);
      workspaces_free_decompressor (ws, c, made[i].decompressor);
    }
  return r;
}

/* Put a decompressor in place of another, which is freed.  A thread that
 * has the workspace is waited for.
 */
static void
workspace_set_decompressor (struct workspaces *ws, struct workspace *w,
                            unsigned id,
                            void *decompressor)
{
  void *old;

  pthread_mutex_lock (&w->busy);
  old = w->decompressor[id];
  w->decompressor[id] = decompressor;
  pthread_mutex_unlock (&w->busy);
  workspaces_free_decompressor (ws, codec_get (id), old);
}

/* Let a workspace write with a coding. */
static void
workspace_set_coding (struct workspaces *ws, struct workspace *w, unsigned i,
                      const struct codec *codec, const void *params,
                      void *compressor)
{
  const struct codec *old_codec;
  void *old;

  pthread_mutex_lock (&w->busy);
  old = w->encoder.compressor;
  old_codec = w->encoder.codec;
  w->encoder.coding = i;
  w->encoder.codec = codec;
  w->encoder.params = params;
  w->encoder.compressor = compressor;
  pthread_mutex_unlock (&w->busy);
  workspaces_free_compressor (ws, old_codec, old);
}

static int
workspaces_switch (struct workspaces *ws, unsigned i, unsigned id, int level,
                   void *params, struct coders *made)
{
  const struct codec *c = codec_get (id);
  struct coding *coding = &ws->codings->coding[i];
  bool fresh = !codings_have (ws->codings, id);
  unsigned n;
  int r;

  r = workspaces_make_all_coders (ws, c, params, fresh, made);
  if (r < 0)
    return r;
  for (n = 0; n < ws->made && fresh; ++n)
    workspace_set_decompressor (ws, &ws->w[n], id, made[n].decompressor);
  if (!coding->codec)
    coding_set (coding, id, level, NULL);
  /* Only now that all can read what it writes. */
  for (n = 0; n < ws->made; ++n)
    workspace_set_coding (ws, &ws->w[n], i, c, params, made[n].compressor);
  coding_set (coding, id, level, params);
  ws->codings->now = i;
  return 0;
}

int
workspaces_use (struct workspaces *ws, unsigned i, unsigned id, int level,
                void *params)
{
  struct coders *made = os_alloc (ws->max * sizeof *made);
  int r;

  if (!made)
    return -ENOMEM;
  pthread_mutex_lock (&ws->change);
  r = workspaces_switch (ws, i, id, level, params, made);
  pthread_mutex_unlock (&ws->change);
  os_free (made, ws->max * sizeof *made);
  return r;
}

void
workspaces_drop (struct workspaces *ws, unsigned i)
{
  struct coding *coding = &ws->codings->coding[i];
  unsigned id = coding->id, n;

  pthread_mutex_lock (&ws->change);
  /* Who may still decode its last object has a workspace. */
  for (n = 0; n < ws->made; ++n) {
    pthread_mutex_lock (&ws->w[n].busy);
    pthread_mutex_unlock (&ws->w[n].busy);
  }
  coding_clear (coding);
  for (n = 0; n < ws->made && !codings_have (ws->codings, id); ++n)
    workspace_set_decompressor (ws, &ws->w[n], id, NULL);
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
    if (pthread_mutex_trylock (&w->busy) == 0 && workspace_is_there (w))
      return w;
  }
  w = workspaces_one_more (ws);
  if (w)
    return w;
  w = &ws->w[first];
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
