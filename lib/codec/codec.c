/* nbdkit-zram: the registry of codecs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The one list of codecs, in the order in which they are shown; the place
 * in it is the id kept with each object.  The tables of the codecs are
 * const, but a version and a range of levels can depend on the library
 * met at run time, so what is handed out are copies, completed once.
 *
 * A codec whose library was left out at configure time is not compiled,
 * and leaves no gap: ids mean something within one build only.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"

#if !defined (HAVE_LZ4) && !defined (HAVE_ZSTD) && \
  !defined (HAVE_LZO) && !defined (HAVE_DEFLATE)
#error "at least one codec library is needed"
#endif

static const struct codec *const tables[] = {
#ifdef HAVE_LZ4
  &codec_lz4,
  &codec_lz4hc,
#endif
#ifdef HAVE_ZSTD
  &codec_zstd,
#endif
#ifdef HAVE_LZO
  &codec_lzo,
#endif
#ifdef HAVE_DEFLATE
  &codec_deflate,
#endif
};

#define NR_CODECS (sizeof tables / sizeof tables[0])
_Static_assert (NR_CODECS <= CODEC_MAX, "an object cannot tell its codec");

static struct codec registry[NR_CODECS];
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;

static void
codec_fill_registry (void)
{
  size_t i;

  for (i = 0; i < NR_CODECS; ++i) {
    registry[i] = *tables[i];
    registry[i].probe (&registry[i].info);
  }
}

const struct codec *
codec_get (unsigned id)
{
  pthread_once (&registry_once, codec_fill_registry);
  return id < NR_CODECS ? &registry[id] : NULL;
}

int
codec_find (const char *name)
{
  const struct codec *codec;
  unsigned id;

  for (id = 0; (codec = codec_get (id)) != NULL; ++id)
    if (strcmp (name, codec->info.name) == 0 ||
        (codec->info.alias && strcmp (name, codec->info.alias) == 0))
      return id;
  return -1;
}

int
codec_check_level (const struct codec *codec, int level,
                   char message[ZRAM_MESSAGE_MAX])
{
  const struct zram_codec_info *info = &codec->info;

  if (info->level_min > info->level_max) {
    snprintf (message, ZRAM_MESSAGE_MAX,
              "%s has no levels: leave level out", info->name);
    return -EINVAL;
  }
  if (level < info->level_min || level > info->level_max) {
    snprintf (message, ZRAM_MESSAGE_MAX,
              "level %d is out of range for %s: %d to %d",
              level, info->name, info->level_min, info->level_max);
    return -EINVAL;
  }
  return 0;
}

const struct zram_codec_info *
zram_codec_info (unsigned n)
{
  const struct codec *codec = codec_get (n);

  return codec ? &codec->info : NULL;
}

const char *
zram_codec_default (void)
{
  int id = codec_find ("zstd");

  return codec_get (id < 0 ? 0 : id)->info.name;
}
