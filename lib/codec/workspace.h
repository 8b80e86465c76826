/* nbdkit-zram: what one thread needs to code pages.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * An encoder for new objects, a decompressor of each codec in use, and
 * buffers.  A thread has a workspace for a few pages at a time.  Not every
 * thread needs one of its own: nbdkit starts 16 threads a connection, and a
 * zstd compressor each would cost more than a MiB a connection.  One for each
 * processor is not enough either: a thread that is interrupted in the middle
 * of a page keeps its own, and others would wait for it though a processor is
 * free.  So the first is there from the start, more are made when all are
 * taken, up to four for each processor, and the keeper gives back those that
 * nobody wanted for a while.
 */

#ifndef ZRAM_WORKSPACE_H
#define ZRAM_WORKSPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "codec.h"
#include "coding.h"
#include "layout.h"

#define WORKSPACES_PER_CPU 4

/* Room for the objects of a batch: sixteen pages of 4 KiB that are halved;
 * for one object if pages are larger.
 */
static inline uint32_t
workspace_out_bytes (const struct layout *l)
{
  const uint32_t usual = 8 * ZRAM_PAGE_MIN;

  return l->page > usual ? l->page : usual;
}

/* A page, an object read and objects made: the buffers lie together. */
static inline size_t
workspace_buffer_bytes (const struct layout *l)
{
  return 2 * (size_t) l->page + workspace_out_bytes (l);
}

struct workspace {
  pthread_mutex_t busy;
  bool wanted;                  /* since the keeper last looked */
  struct encoder encoder;       /* of the coding of new objects */
  void *decompressor[CODEC_MAX];        /* by codec id; NULL: not in use, or
                                           none is needed */
  char *page;                   /* a page, to merge in; NULL: not made */
  char *in;                     /* an object read */
  char *out;                    /* objects made; the encoder writes to its
                                   start, but for the time of a batch */
} __attribute__ ((aligned (64)));

struct workspaces {
  const struct layout *layout;
  struct account *account;
  unsigned max;                 /* so many at most */
  _Atomic unsigned made;        /* so many now: the first ones of w */
  struct workspace *w;

  struct codings *codings;
  pthread_mutex_t change;       /* of their number or codings */
  bool fixed;                   /* their number never changes again */
};

/* Up to so many.  -ENOMEM.  What the first one holds is charged to the
 * account without regard to its limit, which the caller has checked; what
 * more hold is not made if it would pass the limit.
 */
extern int workspaces_init (struct workspaces *ws, unsigned max,
                            const struct layout *layout,
                            struct codings *codings,
                            struct account *account);
extern void workspaces_destroy (struct workspaces *ws);

/* Let coding number i, which is free, be of this kind, once every workspace
 * can read what it writes.  The reader is its own.  -ENOMEM, or -ENOSPC if
 * the account does not allow it, and nothing is changed.
 */
extern int workspaces_begin (struct workspaces *ws, unsigned i,
                             const struct coding_kind *kind, void *reader);

/* Let coding number i write new objects, at this level and with these
 * parameters, which it has already, or which are its own from now on.  When
 * this returns nobody uses others that it had, and they are freed.  Errors
 * as above.
 */
extern int workspaces_use (struct workspaces *ws, unsigned i, int level,
                           void *params);

/* Put parameters in that jobs write coding number i with; NULL: none do any
 * more.  It does not write new objects.
 */
extern void workspaces_set_params (struct workspaces *ws, unsigned i,
                                   void *params);

/* Free coding number i: there is no object of it, and none will be made. */
extern void workspaces_drop (struct workspaces *ws, unsigned i);

/* Make n now, or max if that is less, whatever the account's limit, and
 * from now on neither more nor fewer, so that none is made when memory is
 * short.  -ENOMEM: some may have been made.
 */
extern int workspaces_fix (struct workspaces *ws, unsigned n);

/* Give back those that were not wanted since the last call. */
extern void workspaces_trim (struct workspaces *ws);

/* Give back all but the first that nobody has at the moment. */
extern void workspaces_drain (struct workspaces *ws);

/* One that no other thread has, waiting if need be; or NULL if it would have
 * to wait.
 */
extern struct workspace *workspace_get (struct workspaces *ws);
extern struct workspace *workspace_try (struct workspaces *ws);
extern void workspace_put (struct workspace *w);

/* Bytes that all of them hold, counted from what there is; with `change'
 * locked.
 */
extern uint64_t workspaces_bytes (const struct workspaces *ws);

#endif /* ZRAM_WORKSPACE_H */
