/* nbdkit-zram: what one thread needs to code one page.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A context of each codec in use, and buffers.  There are as many
 * workspaces as processors, not as threads: nbdkit starts 16 threads a
 * connection, and a zstd context each would cost more than a MiB a
 * connection.  A thread has one for a page at a time.
 */

#ifndef ZRAM_WORKSPACE_H
#define ZRAM_WORKSPACE_H

#include <pthread.h>
#include <stdint.h>

#include "account.h"
#include "codec.h"
#include "layout.h"

struct workspace {
  pthread_mutex_t busy;
  unsigned codec;               /* that new objects are written with */
  const void *params[CODEC_MAX];        /* by codec id; NULL: not in use */
  void *context[CODEC_MAX];
  char *page;                   /* a page, to merge in */
  char *in, *out;               /* an object read, an object made */
} __attribute__ ((aligned (64)));

struct workspaces {
  const struct layout *layout;
  struct account *account;
  unsigned n;
  struct workspace *w;
  uint64_t charged;
};

/* -ENOMEM.  Memory is charged to the account without regard to its limit,
 * which the caller has checked.
 */
extern int workspaces_init (struct workspaces *ws, unsigned n,
                            const struct layout *layout,
                            struct account *account);
extern void workspaces_destroy (struct workspaces *ws);

/* Let a codec, with these parameters, write new objects.  When this
 * returns nobody uses other parameters of that codec any more.  -ENOMEM,
 * and nothing is changed.
 */
extern int workspaces_use (struct workspaces *ws, unsigned codec,
                           const void *params);

/* One that no other thread has, waiting if need be. */
extern struct workspace *workspace_get (struct workspaces *ws);
extern void workspace_put (struct workspace *w);

#endif /* ZRAM_WORKSPACE_H */
