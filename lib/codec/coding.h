/* nbdkit-zram: codings: the ways in which a disk's objects are written.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A coding is a codec with a level and, if it takes one, a dictionary.  An
 * object has four bits that say which of a disk's codings wrote it, so one
 * codec can be in use with two levels, or two generations of a dictionary,
 * at once.  One coding writes new objects; jobs of upkeep write with others;
 * a coding is freed when no object of it is left and nobody writes with it.
 *
 * Changed with the disk's `change' locked.  A thread that decodes looks
 * only at the codec and reader of a coding that has objects, and these never
 * change; whoever frees one waits first for those who may still decode its
 * last.
 */

#ifndef ZRAM_CODING_H
#define ZRAM_CODING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "dictionary.h"
#include "layout.h"

/* What a coding is.  Two that are equal in all of this are one. */
struct coding_kind {
  unsigned id;                  /* of the codec */
  int level;                    /* 0 if the codec has none */
  unsigned priority;            /* 0: of new objects; 1 to 3: what they are
                                   recompressed with */
  struct dictionary *dictionary;        /* NULL: none */
};

struct coding {
  const struct codec *codec;    /* NULL: not in use */
  _Atomic unsigned id;
  _Atomic int level;
  _Atomic unsigned priority;
  _Atomic bool has_dictionary;  /* these four are read without a lock too */
  struct dictionary *dictionary;
  void *reader;                 /* NULL: without a dictionary */
  void *params;                 /* NULL: nobody writes with it */
  unsigned writers;             /* jobs that have an encoder of it */
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

/* Decompress an object of a coding; decompressors by codec.  0 or -EIO. */
static inline int
coding_decompress (const struct coding *c, void *const *decompressors,
                   const void *object, size_t length,
                   void *page, size_t bytes)
{
  return !c->codec ? -EIO
    : c->codec->decompress (c->reader, decompressors[c->id], object, length,
                            page, bytes);
}

struct codings {
  struct coding coding[CODINGS_MAX];
  _Atomic unsigned now;         /* that new objects are written with */
  _Atomic int level;            /* of that one; 0 if its codec has none */
  _Atomic uint64_t jobs;        /* bytes that jobs of upkeep hold */
  _Atomic unsigned dictionaries;        /* in use, each once */
  _Atomic uint64_t dictionary_bytes;    /* that they hold, digested too */
};

/* Return the dictionary of a codec that new objects were given last, or NULL:
 * none of those in use was for new objects.
 */
extern struct dictionary *codings_newest (const struct codings *c,
                                          unsigned id);

/* Return the one that was given to them first of those, and is not now, and
 * how many there are.
 */
extern struct dictionary *codings_oldest (const struct codings *c,
                                          unsigned *n);

/* Return which coding is to be of this kind: the one that is already, or a
 * free one.  If all are in use, one that differs only in the level, which
 * changes then, may be found with `reuse'.  -EBUSY: none.
 */
extern int codings_pick (const struct codings *c,
                         const struct coding_kind *kind, bool reuse);

/* Is there a coding of this codec? */
extern bool codings_have (const struct codings *c, unsigned id);

/* How new objects are written now; with `change' locked. */
static inline struct coding_kind
coding_kind_now (const struct codings *c)
{
  const struct coding *now = &c->coding[atomic_load (&c->now)];

  return (struct coding_kind) {
    .id = now->id, .level = now->level, .priority = now->priority,
    .dictionary = now->dictionary,
  };
}

/* What a coding is made of before it is put in its place. */
struct coding_parts {
  void *params, *reader;
};

/* Make the parts that coding number i has not got yet, to be of this kind.
 * -ENOMEM, and there are none.  What they hold, with the dictionary if it is
 * a new one, is added to *bytes.
 */
extern int coding_make (const struct codings *c, unsigned i,
                        const struct coding_kind *kind, size_t page,
                        struct coding_parts *parts, uint64_t *bytes);

/* Free parts that are not wanted after all. */
extern void coding_unmake (unsigned id, const struct coding_parts *parts);

/* Let coding number i be of this kind, before anybody writes with it. */
extern void coding_begin (struct codings *c, unsigned i,
                          const struct coding_kind *kind, void *reader);

/* Put new parameters in the place of those it has.  Return what those held,
 * in bytes.  NULL: nobody writes with it any more.
 */
extern uint64_t coding_set_params (struct codings *c, unsigned i,
                                   void *params);

/* Free what it has.  Return what that held, in bytes. */
extern uint64_t coding_clear (struct codings *c, unsigned i);

/* Return what codings and the jobs that use them hold, in bytes. */
extern uint64_t codings_bytes (const struct codings *c);

#endif /* ZRAM_CODING_H */
