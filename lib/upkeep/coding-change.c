/* nbdkit-zram: which codings a disk has in use: taken, and freed.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "os.h"

/* What is made for a change of codings. */
struct change {
  unsigned i;                   /* the coding */
  struct coding_parts made;
  uint64_t bytes;               /* that they hold */
};

/* Charge what was made, and begin the coding if it is free. */
static int
coding_install (const struct parts *p, const struct coding_kind *kind,
                const struct change *c)
{
  int r = account_charge (p->account, ACCOUNT_CODECS, c->bytes);

  if (r == 0 && !p->codings->coding[c->i].codec) {
    r = workspaces_begin (p->workspaces, c->i, kind, c->made.reader);
    if (r < 0)
      account_credit (p->account, ACCOUNT_CODECS, c->bytes);
  }
  return r;
}

/* Find a coding of this kind, or begin it, and make the parameters that it
 * has not got.  -ENOMEM, -ENOSPC, -EBUSY, and nothing is changed.
 */
static int
coding_find (const struct parts *p, const struct coding_kind *kind,
             bool reuse, struct change *c)
{
  int i = codings_pick (p->codings, kind, reuse), r;

  *c = (struct change) { .i = (unsigned) i };
  if (i < 0)
    return i;
  r = coding_make (p->codings, c->i, kind, p->layout->page, &c->made,
                   &c->bytes);
  if (r < 0)
    return r;
  r = coding_install (p, kind, c);
  if (r < 0)
    coding_unmake (kind->id, &c->made);
  return r;
}

/* Give up the parameters made for a coding that could not be used. */
static void
coding_unfind (const struct parts *p, const struct coding_kind *kind,
               struct change *c)
{
  const struct codec *codec = codec_get (kind->id);

  if (!c->made.params)
    return;
  if (codec->params_bytes)
    account_credit (p->account, ACCOUNT_CODECS,
                    codec->params_bytes (c->made.params));
  codec->params_free (c->made.params);
}

int
codings_use (const struct parts *p, const struct coding_kind *kind)
{
  struct change c;
  int r;

  r = coding_find (p, kind, true, &c);
  if (r < 0)
    return r;
  r = workspaces_use (p->workspaces, c.i, kind->level,
                      c.made.params ? c.made.params
                      : p->codings->coding[c.i].params);
  if (r < 0) {
    coding_unfind (p, kind, &c);
    return r;
  }
  p->codings->level = kind->level;
  return 0;
}

static bool
coding_has_objects (const struct parts *p, unsigned coding)
{
  uint64_t pages = 0;
  unsigned i;

  for (i = 0; i < p->nshards && pages == 0; ++i) {
    shard_lock (&p->shards[i]);
    pages = counter_get (&p->shards[i].n.store.arena.coding[coding].pages);
    shard_unlock (&p->shards[i]);
  }
  return pages > 0;
}

/* Nobody writes with this coding: all workspaces have been switched to
 * another, and no job has an encoder of it.
 */
static void
coding_rest (const struct parts *p, unsigned i)
{
  if (!coding_has_objects (p, i))
    workspaces_drop (p->workspaces, i);
  else if (p->codings->coding[i].params)
    workspaces_set_params (p->workspaces, i, NULL);
}

static void
codings_drop_unused (const struct parts *p)
{
  const struct coding *c = p->codings->coding;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (c[i].codec && i != p->codings->now && c[i].writers == 0)
      coding_rest (p, i);
}

void
codings_tidy (const struct parts *p)
{
  if (pthread_mutex_trylock (p->change) != 0)
    return;
  codings_drop_unused (p);
  pthread_mutex_unlock (p->change);
}

int
codings_switch (const struct parts *p, const struct coding_kind *kind)
{
  int r;

  codings_drop_unused (p);
  r = codings_use (p, kind);
  if (r == -ENOSPC) {
    workspaces_drain (p->workspaces);
    r = codings_use (p, kind);
  }
  codings_drop_unused (p);
  return r;
}

/* What jobs hold. */

int
job_charge (const struct parts *p, uint64_t bytes)
{
  int r;

  pthread_mutex_lock (p->change);
  r = account_charge (p->account, ACCOUNT_CODECS, bytes);
  if (r == 0)
    p->codings->jobs += bytes;
  pthread_mutex_unlock (p->change);
  return r;
}

void
job_credit (const struct parts *p, uint64_t bytes)
{
  pthread_mutex_lock (p->change);
  p->codings->jobs -= bytes;
  account_credit (p->account, ACCOUNT_CODECS, bytes);
  pthread_mutex_unlock (p->change);
}

/* Encoders of jobs. */

static uint64_t
encoder_bytes (const struct parts *p, const struct encoder *e)
{
  return e->codec->compressor_bytes (e->compressor) + p->layout->page;
}

static void
encoder_free (const struct parts *p, struct encoder *e)
{
  if (e->compressor)
    e->codec->compressor_free (e->compressor);
  os_free (e->out, p->layout->page);
}

/* Make the compressor and the buffer, and charge them. */
static int
encoder_make (const struct parts *p, struct encoder *e)
{
  int r = -ENOMEM;

  e->compressor = e->codec->compressor_new (e->params);
  e->out = os_alloc (p->layout->page);
  if (e->compressor && e->out)
    r = account_charge (p->account, ACCOUNT_CODECS, encoder_bytes (p, e));
  if (r < 0) {
    encoder_free (p, e);
    return r;
  }
  p->codings->jobs += encoder_bytes (p, e);
  return 0;
}

static int
encoder_open_locked (const struct parts *p, const struct coding_kind *kind,
                     struct encoder *e)
{
  struct coding *coding;
  struct change c;
  int r;

  r = coding_find (p, kind, false, &c);
  if (r < 0)
    return r;
  coding = &p->codings->coding[c.i];
  if (c.made.params)
    workspaces_set_params (p->workspaces, c.i, c.made.params);
  *e = (struct encoder) {
    .coding = c.i, .codec = coding->codec, .params = coding->params,
  };
  r = encoder_make (p, e);
  if (r == 0)
    coding->writers++;
  return r;
}

int
encoder_open (const struct parts *p, const struct coding_kind *kind,
              struct encoder *e)
{
  int r;

  pthread_mutex_lock (p->change);
  r = encoder_open_locked (p, kind, e);
  pthread_mutex_unlock (p->change);
  return r;
}

void
encoder_close (const struct parts *p, struct encoder *e)
{
  uint64_t bytes = encoder_bytes (p, e);

  pthread_mutex_lock (p->change);
  encoder_free (p, e);
  p->codings->jobs -= bytes;
  account_credit (p->account, ACCOUNT_CODECS, bytes);
  p->codings->coding[e->coding].writers--;
  codings_drop_unused (p);
  pthread_mutex_unlock (p->change);
}
