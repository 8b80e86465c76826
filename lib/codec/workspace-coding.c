/* nbdkit-zram: the codings that workspaces read and write with.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every workspace can read every coding, so a coding begins when all have
 * what that needs; and the coding of new objects changes when each has its
 * compressor.  What is made for a change is charged before it is used.
 */

#include <config.h>

#include <errno.h>

#include "os.h"
#include "workspace.h"

/* A compressor or a decompressor, of which each workspace is to have one. */
struct coder_type {
  const struct codec *codec;
  const void *params;           /* NULL: to decompress */
};

static uint64_t
coder_bytes (const struct coder_type *t, const void *coder)
{
  return t->params ? t->codec->compressor_bytes (coder)
    : decompressor_bytes (t->codec, coder);
}

static bool
coder_make (const struct coder_type *t, void **coder)
{
  if (!t->params)
    return decompressor_new (t->codec, coder);
  *coder = t->codec->compressor_new (t->params);
  return *coder != NULL;
}

static void
coder_free (const struct coder_type *t, void *coder)
{
  if (t->params)
    t->codec->compressor_free (coder);
  else
    decompressor_free (t->codec, coder);
}

/* Free one that was charged, or NULL. */
static void
workspaces_free_coder (struct workspaces *ws, const struct coder_type *t,
                       void *coder)
{
  if (!coder)
    return;
  account_credit (ws->account, ACCOUNT_CODECS, coder_bytes (t, coder));
  coder_free (t, coder);
}

static int
workspaces_make_coder (struct workspaces *ws, const struct coder_type *t,
                       void **coder)
{
  int r;

  if (!coder_make (t, coder))
    return -ENOMEM;
  r = account_charge (ws->account, ACCOUNT_CODECS, coder_bytes (t, *coder));
  if (r < 0)
    coder_free (t, *coder);
  return r;
}

/* Make one for each workspace.  -ENOMEM or -ENOSPC, and none is left. */
static int
workspaces_make_coders (struct workspaces *ws, const struct coder_type *t,
                        void **made)
{
  unsigned i;
  int r = 0;

  for (i = 0; i < ws->made && r == 0; ++i)
    r = workspaces_make_coder (ws, t, &made[i]);
  if (r < 0)
    for (--i; i-- > 0; )
      workspaces_free_coder (ws, t, made[i]);
  return r;
}

/* Put a decompressor in the place of another, which is freed.  A thread that
 * has the workspace is waited for.
 */
static void
workspace_set_decompressor (struct workspaces *ws, struct workspace *w,
                            unsigned id, void *decompressor)
{
  const struct coder_type type = { codec_get (id), NULL };
  void *old;

  pthread_mutex_lock (&w->busy);
  old = w->decompressor[id];
  w->decompressor[id] = decompressor;
  pthread_mutex_unlock (&w->busy);
  workspaces_free_coder (ws, &type, old);
}

/* Let a workspace write with a coding. */
static void
workspace_set_encoder (struct workspaces *ws, struct workspace *w,
                       const struct encoder *encoder)
{
  struct encoder old;
  struct coder_type type;

  pthread_mutex_lock (&w->busy);
  old = w->encoder;
  w->encoder = *encoder;
  w->encoder.out = old.out;
  pthread_mutex_unlock (&w->busy);
  type = (struct coder_type) { old.codec, old.params };
  if (old.compressor)
    workspaces_free_coder (ws, &type, old.compressor);
}

/* Call one of the two below with `change' locked, and room for a coder of
 * each workspace.
 */
typedef int change_fn (struct workspaces *ws, unsigned i, const void *how,
                       void **made);
static int
workspaces_change (struct workspaces *ws, change_fn *change, unsigned i,
                   const void *how)
{
  void **made = os_alloc (ws->max * sizeof *made);
  int r;

  if (!made)
    return -ENOMEM;
  pthread_mutex_lock (&ws->change);
  r = change (ws, i, how, made);
  pthread_mutex_unlock (&ws->change);
  os_free (made, ws->max * sizeof *made);
  return r;
}

struct beginning {
  const struct coding_kind *kind;
  void *reader;
};

static int
workspaces_change_begin (struct workspaces *ws, unsigned i, const void *how,
                         void **made)
{
  const struct beginning *b = how;
  const struct coder_type type = { codec_get (b->kind->id), NULL };
  unsigned n;
  int r;

  if (!codings_have (ws->codings, b->kind->id)) {
    r = workspaces_make_coders (ws, &type, made);
    if (r < 0)
      return r;
    for (n = 0; n < ws->made; ++n)
      workspace_set_decompressor (ws, &ws->w[n], b->kind->id, made[n]);
  }
  coding_begin (ws->codings, i, b->kind, b->reader);
  return 0;
}

int
workspaces_begin (struct workspaces *ws, unsigned i,
                  const struct coding_kind *kind, void *reader)
{
  const struct beginning how = { kind, reader };

  return workspaces_change (ws, workspaces_change_begin, i, &how);
}

static void
workspaces_change_params (struct workspaces *ws, unsigned i, void *params)
{
  if (ws->codings->coding[i].params != params)
    account_credit (ws->account, ACCOUNT_CODECS,
                    coding_set_params (ws->codings, i, params));
}

struct use {
  int level;
  void *params;
};

static int
workspaces_change_use (struct workspaces *ws, unsigned i, const void *how,
                       void **made)
{
  const struct use *u = how;
  struct coding *coding = &ws->codings->coding[i];
  const struct coder_type type = { coding->codec, u->params };
  struct encoder encoder = {
    .coding = i, .codec = coding->codec, .params = u->params,
  };
  unsigned n;
  int r;

  r = workspaces_make_coders (ws, &type, made);
  if (r < 0)
    return r;
  for (n = 0; n < ws->made; ++n) {
    encoder.compressor = made[n];
    workspace_set_encoder (ws, &ws->w[n], &encoder);
  }
  workspaces_change_params (ws, i, u->params);
  coding->level = u->level;
  ws->codings->now = i;
  return 0;
}

int
workspaces_use (struct workspaces *ws, unsigned i, int level, void *params)
{
  const struct use how = { level, params };

  return workspaces_change (ws, workspaces_change_use, i, &how);
}

void
workspaces_set_params (struct workspaces *ws, unsigned i, void *params)
{
  pthread_mutex_lock (&ws->change);
  workspaces_change_params (ws, i, params);
  pthread_mutex_unlock (&ws->change);
}

void
workspaces_drop (struct workspaces *ws, unsigned i)
{
  unsigned id = ws->codings->coding[i].id, n;

  pthread_mutex_lock (&ws->change);
  /* Who may still decode its last object has a workspace. */
  for (n = 0; n < ws->made; ++n) {
    pthread_mutex_lock (&ws->w[n].busy);
    pthread_mutex_unlock (&ws->w[n].busy);
  }
  account_credit (ws->account, ACCOUNT_CODECS,
                  coding_clear (ws->codings, i));
  for (n = 0; n < ws->made && !codings_have (ws->codings, id); ++n)
    workspace_set_decompressor (ws, &ws->w[n], id, NULL);
  pthread_mutex_unlock (&ws->change);
}
