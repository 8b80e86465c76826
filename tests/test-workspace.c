/* nbdkit-zram: workspaces: made when they are wanted, given back when not.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <pthread.h>
#include <time.h>

#include "testlib.h"
#include "workspace.h"

#define MAX 4
#define PAGE 4096u

static struct layout layout;
static struct account account;
static struct workspaces ws;
static struct codings codings;

/* Coding number n is of codec number n. */
static void
use_codec (unsigned id)
{
  const struct codec *c = codec_get (id);
  const struct coding_kind kind = { .id = id, .level = c->info.level_default };
  void *params = c->params_new (kind.level, PAGE, NULL);

  CHECK (params != NULL);
  if (!codings.coding[id].codec)
    CHECK (workspaces_begin (&ws, id, &kind, NULL) == 0);
  CHECK (workspaces_use (&ws, id, kind.level, params) == 0);
  CHECK (codings.now == id && codings.coding[id].params == params);
}

static void
start (void)
{
  layout = layout_for_page (PAGE);
  memset (&account, 0, sizeof account);
  CHECK (workspaces_init (&ws, MAX, &layout, &codings, &account) == 0);
  use_codec (0);
}

static void
finish (void)
{
  unsigned i;

  workspaces_destroy (&ws);
  CHECK (atomic_load (&account.held) == 0);
  for (i = 0; i < CODINGS_MAX; ++i)
    coding_clear (&codings, i);
}

static void
check_account (void)
{
  uint64_t bytes;

  pthread_mutex_lock (&ws.change);
  bytes = workspaces_bytes (&ws);
  CHECK (atomic_load (&account.held) == bytes);
  CHECK (atomic_load (&account.kind[ACCOUNT_CODECS]) == bytes);
  pthread_mutex_unlock (&ws.change);
}

/* Take n, all different, and put them back. */
static void
take (unsigned n)
{
  struct workspace *w[MAX];
  unsigned i, j;

  for (i = 0; i < n; ++i) {
    w[i] = workspace_get (&ws);
    CHECK (w[i]->page && w[i]->encoder.compressor);
    CHECK (w[i]->encoder.coding == codings.now);
    CHECK (w[i]->encoder.codec == codings.coding[codings.now].codec);
    for (j = 0; j < i; ++j)
      CHECK (w[i] != w[j]);
  }
  for (i = 0; i < n; ++i)
    workspace_put (w[i]);
}

static void *
trim (void *arg)
{
  (void) arg;
  workspaces_trim (&ws);
  return NULL;
}

static void
test_number (void)
{
  struct workspace *w;
  pthread_t keeper;
  uint64_t one;

  start ();
  CHECK (ws.made == 1);
  one = atomic_load (&account.held);
  take (1);
  CHECK (ws.made == 1);
  take (MAX);
  CHECK (ws.made == MAX);
  CHECK (atomic_load (&account.held) > one + 3 * 3 * PAGE);
  check_account ();

  /* Wanted since the last look, so they stay; then they go. */
  workspaces_trim (&ws);
  CHECK (ws.made == MAX);
  workspaces_trim (&ws);
  CHECK (ws.made == 1 && atomic_load (&account.held) == one);
  check_account ();

  /* They come again.  One that is taken is not given back, nor are those
   * before it.
   */
  take (MAX);
  workspaces_trim (&ws);
  w = &ws.w[2];
  pthread_mutex_lock (&w->busy);
  CHECK (pthread_create (&keeper, NULL, trim, NULL) == 0);
  CHECK (pthread_join (keeper, NULL) == 0);
  CHECK (ws.made == 3);
  workspace_put (w);
  check_account ();
  workspaces_trim (&ws);
  CHECK (ws.made == 1);
  finish ();
}

/* A thread that wants one; whether it has it yet. */
static _Atomic int got;

static void *
want (void *arg)
{
  struct workspace *w = workspace_get (&ws);

  (void) arg;
  got = 1;
  CHECK (w->page != NULL);
  workspace_put (w);
  return NULL;
}

/* With n taken, another has to wait. */
static void
check_waits (unsigned n)
{
  static const struct timespec while_ = { .tv_nsec = 30000000 };
  struct workspace *w[MAX];
  pthread_t thread;
  unsigned i;

  for (i = 0; i < n; ++i)
    w[i] = workspace_get (&ws);
  got = 0;
  CHECK (pthread_create (&thread, NULL, want, NULL) == 0);
  nanosleep (&while_, NULL);
  CHECK (got == 0);
  for (i = 0; i < n; ++i)
    workspace_put (w[i]);
  CHECK (pthread_join (thread, NULL) == 0 && got == 1);
  CHECK (ws.made == n);
  check_account ();
}

static void
test_waiting (void)
{
  start ();
  check_waits (MAX);
  finish ();

  /* At the limit of the account no more are made. */
  start ();
  account.limit = atomic_load (&account.held) + 1;
  check_waits (1);
  account.limit = 0;
  take (2);
  CHECK (ws.made == 2);
  finish ();
}

static void
test_fix (void)
{
  start ();
  account.limit = 1;
  CHECK (workspaces_fix (&ws, 2) == 0);
  account.limit = 0;
  CHECK (ws.made == 2);
  check_account ();
  check_waits (2);
  workspaces_trim (&ws);
  workspaces_trim (&ws);
  CHECK (ws.made == 2);
  finish ();

  start ();
  CHECK (workspaces_fix (&ws, 2 * MAX) == 0);
  CHECK (ws.made == MAX);
  finish ();
}

/* One made after a change of codec can read what was written before. */
static void
test_codecs (void)
{
  unsigned id;

  start ();
  for (id = 0; codec_get (id); ++id) {
    use_codec (id);
    check_account ();
    take (MAX);
  }
  workspaces_trim (&ws);
  workspaces_trim (&ws);
  CHECK (ws.made == 1);
  take (2);
  CHECK (ws.w[1].encoder.params == codings.coding[codings.now].params);
  for (id = 0; codec_get (id); ++id)
    CHECK ((ws.w[0].decompressor[id] != NULL &&
            ws.w[1].decompressor[id] != NULL) ==
           (codec_get (id)->decompressor_new != NULL));
  check_account ();
  /* And what no object needs goes, from all. */
  for (id = 0; codec_get (id); ++id)
    if (id != codings.now) {
      workspaces_drop (&ws, id);
      check_account ();
      CHECK (!ws.w[0].decompressor[id] && !ws.w[1].decompressor[id]);
      CHECK (!codings.coding[id].codec);
    }
  take (MAX);
  finish ();
}

/* All of it at once. */
#define THREADS 8
#define ROUNDS 3000
static _Atomic unsigned running, others;

static void *
work (void *arg)
{
  static const unsigned char zeroes[PAGE];
  unsigned i;
  int n;

  (void) arg;
  for (i = 0; i < ROUNDS; ++i) {
    struct workspace *w = workspace_get (&ws);

    others += w != ws.w;
    memset (w->page, (int) i, PAGE);
    n = encoder_compress (&w->encoder, w->page, PAGE, layout.object_max);
    CHECK (n > 0);
    memcpy (w->page, zeroes, PAGE);
    CHECK (coding_decompress (&codings.coding[w->encoder.coding],
                              w->decompressor, w->encoder.out, (size_t) n,
                              w->page, PAGE) == 0);
    CHECK ((unsigned char) w->page[PAGE - 1] == (unsigned char) i);
    workspace_put (w);
  }
  running--;
  return NULL;
}

static void
test_together (void)
{
  pthread_t thread[THREADS];
  static const struct timespec while_ = { .tv_nsec = 100000 };
  struct workspace *first;
  unsigned i, ids = 0;

  start ();
  while (codec_get (ids))
    use_codec (ids++);
  running = THREADS;
  /* They cannot all do with the first, however little runs at once. */
  first = workspace_get (&ws);
  CHECK (first == ws.w);
  for (i = 0; i < THREADS; ++i)
    CHECK (pthread_create (&thread[i], NULL, work, NULL) == 0);
  while (others == 0)
    nanosleep (&while_, NULL);
  workspace_put (first);
  for (i = 0; running; ++i) {
    if (i % 8 == 0)
      use_codec (i / 8 % ids);
    workspaces_trim (&ws);
    check_account ();
    nanosleep (&while_, NULL);
  }
  for (i = 0; i < THREADS; ++i)
    CHECK (pthread_join (thread[i], NULL) == 0);
  finish ();
}

int
main (void)
{
  test_number ();
  test_waiting ();
  test_fix ();
  test_codecs ();
  test_together ();
  return 0;
}
