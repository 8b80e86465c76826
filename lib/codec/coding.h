/* nbdkit-zram: codings: the ways in which a disk's objects are written.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A coding is a codec with its parameters.  An object has four bits that
 * say which of a disk's codings wrote it, so one codec can be in use with
 * two levels at once.  One coding writes new objects; another is freed
 * when no object of it is left.
 *
 * Changed with the disk's `change' locked.  A thread that decodes looks
 * only at the codec of a coding that has objects, and that never changes;
 * whoever frees one waits first for those who may still decode its last.
 */

#ifndef ZRAM_CODING_H
#define ZRAM_CODING_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "layout.h"

struct coding {
  const struct codec *codec;    /* NULL: not in use */
  _Atomic unsigned id;          /* of the codec */
  int level;
  void *params;
  const void *dictionary;       /* none yet: NULL */
  bool checksummed;             /* none yet */
};

/* What makes objects of one coding, one at a time. */
struct encoder {
  unsigned coding;
  const struct codec *codec;    /* these three are of that coding */
  const void *params;
  void *compressor;
  char *out;                    /* a page of bytes for the object */
};

/* Compress a page into out.  Its bytes; 0 if they are more than max; -EIO
 * if the library failed.
 */
static inline int
encoder_compress (struct encoder *e, const void *page, size_t bytes,
                  size_t max)
{
  return e->codec->compress (e->params, e->compressor, page, bytes, e->out,
                             max);
}

struct codings {
  struct coding coding[CODINGS_MAX];
  _Atomic unsigned now;         /* that new objects are written with */
  _Atomic int level;            /* of that one; 0 if its codec has none */
};

/* Which coding is to write with this codec and level: the one that does
 * so already, a free one, or, if all are in use, one of the same codec,
 * whose level changes then.  -EBUSY: they are all of other codecs.
 */
extern int codings_pick (const struct codings *c, unsigned id, int level);

/* Is there a coding of this codec? */
extern bool codings_have (const struct codings *c, unsigned id);

/* Put parameters in, which are its own from now on, in the place of those
 * it has.
 */
extern void coding_set (struct coding *coding, unsigned id, int level,
                        void *params);
extern void coding_clear (struct coding *coding);

#endif /* ZRAM_CODING_H */
