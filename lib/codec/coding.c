/* nbdkit-zram: codings: the ways in which a disk's objects are written.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding.h"

_Static_assert (CODINGS_MAX == 1u << (64 - CODING_SHIFT),
                "a directory entry can tell each coding");

/* Are they equal but for the level? */
static bool
coding_is_like (const struct coding *c, const struct coding_kind *kind)
{
  return c->id == kind->id && c->priority == kind->priority &&
    c->dictionary == kind->dictionary;
}

int
codings_pick (const struct codings *c, const struct coding_kind *kind,
              bool reuse)
{
  int i, spare = -EBUSY, like = -EBUSY;

  for (i = 0; i < (int) CODINGS_MAX; ++i) {
    const struct coding *coding = &c->coding[i];

    if (!coding->codec) {
      if (spare < 0)
        spare = i;
    }
    else if (coding_is_like (coding, kind)) {
      if (coding->level == kind->level)
        return i;
      if (coding->writers == 0 && (like < 0 || c->now == (unsigned) i))
        like = i;
    }
  }
  return spare >= 0 || !reuse ? spare : like;
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

/* Is this coding the first of those that have its dictionary? */
static bool
coding_is_first (const struct codings *c, unsigned i)
{
  unsigned j;

  for (j = 0; j < i; ++j)
    if (c->coding[j].codec &&
        c->coding[j].dictionary == c->coding[i].dictionary)
      return false;
  return true;
}

static bool
codings_have_dictionary (const struct codings *c, unsigned but,
                         const struct dictionary *dictionary)
{
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i)
    if (i != but && c->coding[i].codec &&
        c->coding[i].dictionary == dictionary)
      return true;
  return false;
}

/* What a dictionary holds that no coding but this one uses. */
static uint64_t
coding_dictionary_bytes (const struct codings *c, unsigned i,
                         const struct dictionary *dictionary)
{
  return dictionary && !dictionary->owned &&
    !codings_have_dictionary (c, i, dictionary)
    ? dictionary_held (dictionary->bytes) : 0;
}

static uint64_t
coding_params_bytes (const struct codec *codec, const void *params)
{
  return params && codec->params_bytes ? codec->params_bytes (params) : 0;
}

static uint64_t
coding_reader_bytes (const struct codec *codec, const void *reader)
{
  return reader ? codec->reader_bytes (reader) : 0;
}

/* For statistics, which take no lock: count the dictionaries anew. */
static void
codings_count (struct codings *c)
{
  unsigned i, n = 0;
  uint64_t bytes = 0;

  for (i = 0; i < CODINGS_MAX; ++i) {
    const struct coding *coding = &c->coding[i];

    if (!coding->codec || !coding->dictionary)
      continue;
    if (coding_is_first (c, i)) {
      n++;
      bytes += dictionary_held (coding->dictionary->bytes);
    }
    bytes += coding_params_bytes (coding->codec, coding->params) +
      coding_reader_bytes (coding->codec, coding->reader);
  }
  c->dictionaries = n;
  c->dictionary_bytes = bytes;
}

struct dictionary *
codings_newest (const struct codings *c, unsigned id)
{
  struct dictionary *d, *newest = NULL;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i) {
    d = c->coding[i].codec && c->coding[i].id == id
      ? c->coding[i].dictionary : NULL;
    if (d && d->generation && (!newest || d->generation > newest->generation))
      newest = d;
  }
  return newest;
}

struct dictionary *
codings_oldest (const struct codings *c, unsigned *n)
{
  const struct dictionary *now = c->coding[c->now].dictionary;
  struct dictionary *d, *oldest = NULL;
  unsigned i;

  *n = 0;
  for (i = 0; i < CODINGS_MAX; ++i) {
    d = c->coding[i].codec ? c->coding[i].dictionary : NULL;
    if (!d || !d->generation || !coding_is_first (c, i))
      continue;
    ++*n;
    if (d != now && (!oldest || d->generation < oldest->generation))
      oldest = d;
  }
  return oldest;
}

int
coding_make (const struct codings *c, unsigned i,
             const struct coding_kind *kind, size_t page,
             struct coding_parts *parts, uint64_t *bytes)
{
  const struct codec *codec = codec_get (kind->id);
  const struct coding *coding = &c->coding[i];
  bool fresh = !coding->codec;

  *parts = (struct coding_parts) { NULL, NULL };
  if (fresh || coding->level != kind->level || !coding->params) {
    parts->params = codec->params_new (kind->level, page, kind->dictionary);
    if (!parts->params)
      return -ENOMEM;
  }
  if (fresh && kind->dictionary) {
    parts->reader = codec->reader_new (kind->dictionary);
    if (!parts->reader) {
      coding_unmake (kind->id, parts);
      return -ENOMEM;
    }
  }
  *bytes += coding_params_bytes (codec, parts->params) +
    coding_reader_bytes (codec, parts->reader);
  if (fresh)
    *bytes += coding_dictionary_bytes (c, i, kind->dictionary);
  return 0;
}

void
coding_unmake (unsigned id, const struct coding_parts *parts)
{
  const struct codec *codec = codec_get (id);

  if (parts->params)
    codec->params_free (parts->params);
  if (parts->reader)
    codec->reader_free (parts->reader);
}

void
coding_begin (struct codings *c, unsigned i, const struct coding_kind *kind,
              void *reader)
{
  struct coding *coding = &c->coding[i];

  coding->id = kind->id;
  coding->level = kind->level;
  coding->priority = kind->priority;
  coding->has_dictionary = kind->dictionary != NULL;
  coding->dictionary = dictionary_share (kind->dictionary);
  coding->reader = reader;
  coding->codec = codec_get (kind->id);
  codings_count (c);
}

uint64_t
coding_set_params (struct codings *c, unsigned i, void *params)
{
  struct coding *coding = &c->coding[i];
  uint64_t bytes = coding_params_bytes (coding->codec, coding->params);

  if (coding->params)
    coding->codec->params_free (coding->params);
  coding->params = params;
  codings_count (c);
  return bytes;
}

uint64_t
coding_clear (struct codings *c, unsigned i)
{
  struct coding *coding = &c->coding[i];
  uint64_t bytes;

  if (!coding->codec)
    return 0;
  bytes = coding_set_params (c, i, NULL) +
    coding_reader_bytes (coding->codec, coding->reader) +
    coding_dictionary_bytes (c, i, coding->dictionary);
  if (coding->reader)
    coding->codec->reader_free (coding->reader);
  coding->reader = NULL;
  dictionary_drop (coding->dictionary);
  coding->dictionary = NULL;
  coding->codec = NULL;
  codings_count (c);
  return bytes;
}

uint64_t
codings_bytes (const struct codings *c)
{
  uint64_t bytes = c->jobs;
  unsigned i;

  for (i = 0; i < CODINGS_MAX; ++i) {
    const struct coding *coding = &c->coding[i];

    if (!coding->codec)
      continue;
    bytes += coding_params_bytes (coding->codec, coding->params) +
      coding_reader_bytes (coding->codec, coding->reader);
    if (coding->dictionary && !coding->dictionary->owned &&
        coding_is_first (c, i))
      bytes += dictionary_held (coding->dictionary->bytes);
  }
  return bytes;
}
