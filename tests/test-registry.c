/* nbdkit-zram: test of the registry of codecs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Names, order, aliases, ranges of levels and the messages about them.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

#define CHECK(expr, ...) \
  do { \
    if (!(expr)) { \
      fprintf (stderr, "test-registry.c:%d: %s: ", __LINE__, #expr); \
      fprintf (stderr, __VA_ARGS__); \
      fputc ('\n', stderr); \
      exit (1); \
    } \
  } while (0)

static void *
first_get (void *opaque)
{
  const struct codec *codec = codec_get (0);

  (void) opaque;
  return codec->info.version ? (void *) codec : NULL;
}

static void
test_levels (const struct codec *codec)
{
  const struct zram_codec_info *info = &codec->info;
  char message[ZRAM_MESSAGE_MAX], should[ZRAM_MESSAGE_MAX];

  CHECK (*info->version != '\0' && *info->level_means != '\0', "no text");
  if (info->level_min > info->level_max) {
    snprintf (should, sizeof should, "%s has no levels: leave level out",
              info->name);
    CHECK (codec_check_level (codec, 0, message) == -EINVAL, "accepted");
    CHECK (strcmp (message, should) == 0, "%s", message);
    return;
  }
  CHECK (codec_check_level (codec, info->level_default, message) == 0 &&
         codec_check_level (codec, info->level_min, message) == 0 &&
         codec_check_level (codec, info->level_max, message) == 0,
         "%s", info->name);
  CHECK (codec_check_level (codec, info->level_min - 1, message) == -EINVAL,
         "accepted");
  CHECK (codec_check_level (codec, info->level_max + 1, message) == -EINVAL,
         "accepted");
  snprintf (should, sizeof should,
            "level %d is out of range for %s: %d to %d", info->level_max + 1,
            info->name, info->level_min, info->level_max);
  CHECK (strcmp (message, should) == 0, "%s", message);
}

/* The registry of this build. */
static const struct {
  const char *name, *alias;
} expected[] = {
#ifdef HAVE_LZ4
  { "lz4", NULL },
  { "lz4hc", NULL },
#endif
#ifdef HAVE_ZSTD
  { "zstd", NULL },
#endif
#ifdef HAVE_LZO
  { "lzo", "lzo-rle" },
#endif
#ifdef HAVE_DEFLATE
  { "deflate", "842" },
#endif
};
#define NR_EXPECTED (sizeof expected / sizeof expected[0])

static void
test_names (void)
{
  static const char *const unknown[] = { "", "zst", "lz4 ", "LZ4", "rle" };
  const struct zram_codec_info *info;
  unsigned id;
  size_t i;

  for (id = 0; id < NR_EXPECTED; ++id) {
    const char *const name = expected[id].name, *const alias =
      expected[id].alias;

    info = zram_codec_info (id);
    CHECK (info != NULL && strcmp (info->name, name) == 0, "%s", name);
    CHECK (info == &codec_get (id)->info, "%s: another info", name);
    CHECK (codec_find (name) == (int) id, "%s", name);
    CHECK (alias ? info->alias && strcmp (info->alias, alias) == 0
           : info->alias == NULL, "%s", name);
    CHECK (alias == NULL || codec_find (alias) == (int) id, "%s", name);
  }
  CHECK (codec_get (id) == NULL && zram_codec_info (id) == NULL &&
         zram_codec_info (UINT32_MAX) == NULL, "more than %u", id);
  for (i = 0; i < sizeof unknown / sizeof unknown[0]; ++i)
    CHECK (codec_find (unknown[i]) == -1, "found \"%s\"", unknown[i]);
#ifdef HAVE_ZSTD
  CHECK (strcmp (zram_codec_default (), "zstd") == 0,
         "%s", zram_codec_default ());
#else
  CHECK (strcmp (zram_codec_default (), expected[0].name) == 0,
         "%s", zram_codec_default ());
#endif
}

/* Two threads come first at once. */
static void
test_first (void)
{
  pthread_t thread;
  void *other, *own;

  CHECK (pthread_create (&thread, NULL, first_get, NULL) == 0, "no thread");
  own = first_get (NULL);
  CHECK (pthread_join (thread, &other) == 0, "join");
  CHECK (own != NULL && own == other, "%p and %p", own, other);
}

int
main (void)
{
  unsigned id;

  test_first ();
  test_names ();
  for (id = 0; id < NR_EXPECTED; ++id)
    test_levels (codec_get (id));
  return 0;
}
