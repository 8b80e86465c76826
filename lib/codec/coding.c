/* nbdkit-zram: codings: the ways in which a disk's objects are written.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding.h"

_Static_assert (CODINGS_MAX == 1u << (64 - CODING_SHIFT),
                "a directory entry can tell each coding");

int
codings_pick (const struct codings *c, unsigned id, int level)
{
  int i, spare = -EBUSY, same = -EBUSY;

  for (i = 0; i < (int) CODINGS_MAX; ++i) {
    const struct coding *coding = &c->coding[i];

    if (!coding->codec) {
      if (spare < 0)
        spare = i;
    }
    else if (coding->id == id) {
      if (coding->level == level)
        return i;
      if (same < 0 || c->now == (unsigned) i)
        same = i;
    }
  }
  return spare >= 0 ? spare : same;
}

bool
codings_have (const struct codings *c, unsigned id)
{
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (c->coding[i].codec && c->coding[i].id == id)
      return true;
  return false;
}

void
coding_set (struct coding *coding, unsigned id, int level, void *params)
{
  if (coding->codec) {
    if (coding->params)
      coding->codec->params_free (coding->params);
  }
  else {                        /* nobody looks at it yet */
    coding->id = id;
    coding->codec = codec_get (id);
  }
  coding->level = level;
  coding->params = params;
}

void
coding_clear (struct coding *coding)
{
  if (!coding->codec)
    return;
  coding->codec->params_free (coding->params);
  coding->codec = NULL;
  coding->params = NULL;
}
