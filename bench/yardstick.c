/* nbdkit-zram: an nbdkit plugin that runs a codec and does nothing else.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * What a compressing disk could reach at best, to measure ours against:
 * each page is compressed into a fixed place of its own, so there is no
 * allocator, no table and no lock, and no memory is saved.  The codecs are
 * ours, called as the disk calls them; every thread keeps a context.
 * Requests must be whole pages, and two at once must not be for one page.
 *
 *   nbdkit ./yardstick.so size=1G [algo=zstd] [level=N] [parallel=WHEN]
 *
 * algo=none copies pages, which shows what the codec costs.  parallel= is
 * what it is of the disk, so that like is compared with like.
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "../plugin/parallel.h"
#include "codec.h"

/* The most that is allowed; see yardstick_thread_model. */
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL
#define UNUSED __attribute__ ((unused))

#define PAGE 4096
#define STRIDE 8192

/* A slot for a page.  length 0: never written; PAGE: not compressed. */
struct slot {
  uint32_t length;
  char data[STRIDE - sizeof (uint32_t)];
};

static int64_t size = -1;
static const char *algo = "zstd";
static int level;
static int has_level;

static const struct codec *codec;       /* NULL: none */
static void *codec_params;
static pthread_key_t context_key;
static struct slot *slots;

static int
yardstick_config (const char *key, const char *value)
{
  if (strcmp (key, "size") == 0) {
    size = nbdkit_parse_size (value);
    return size == -1 ? -1 : 0;
  }
  if (strcmp (key, "algo") == 0) {
    algo = value;
    return 0;
  }
  if (strcmp (key, "level") == 0) {
    has_level = 1;
    return nbdkit_parse_int ("level", value, &level);
  }
  if (strcmp (key, "parallel") == 0 && parallel_set (value))
    return 0;
  nbdkit_error ("unknown parameter '%s=%s'", key, value);
  return -1;
}

static int
yardstick_thread_model (void)
{
  return parallel_on () ? NBDKIT_THREAD_MODEL_PARALLEL
    : NBDKIT_THREAD_MODEL_SERIALIZE_REQUESTS;
}

static int
yardstick_config_complete (void)
{
  char message[ZRAM_MESSAGE_MAX];
  int id = codec_find (algo);

  if (size <= 0 || size % PAGE != 0) {
    nbdkit_error ("size= must be a multiple of %d", PAGE);
    return -1;
  }
  if (strcmp (algo, "none") == 0)
    return 0;
  if (id < 0) {
    nbdkit_error ("there is no codec '%s'", algo);
    return -1;
  }
  codec = codec_get (id);
  if (!has_level)
    level = codec->info.level_default;
  else if (codec_check_level (codec, level, message) < 0) {
    nbdkit_error ("%s", message);
    return -1;
  }
  return 0;
}

struct context {
  void *compressor, *decompressor;
};

static void
yardstick_context_free (void *opaque)
{
  struct context *context = opaque;

  if (context->compressor)
    codec->compressor_free (context->compressor);
  decompressor_free (codec, context->decompressor);
  free (context);
}

static int
yardstick_get_ready (void)
{
  slots = mmap (NULL, size / PAGE * sizeof *slots, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slots == MAP_FAILED) {
    nbdkit_error ("mmap: %m");
    return -1;
  }
  if (!codec)
    return 0;
  codec_params = codec->params_new (level, PAGE, NULL);
  if (!codec_params) {
    nbdkit_error ("no memory");
    return -1;
  }
  errno = pthread_key_create (&context_key, yardstick_context_free);
  if (errno) {
    nbdkit_error ("pthread_key_create: %m");
    return -1;
  }
  return 0;
}

/* Return the context of this thread.  NULL: no memory. */
static struct context *
yardstick_context (void)
{
  struct context *context = pthread_getspecific (context_key);

  if (context)
    return context;
  context = calloc (1, sizeof *context);
  if (!context)
    return NULL;
  context->compressor = codec->compressor_new (codec_params);
  if (!context->compressor ||
      !decompressor_new (codec, &context->decompressor)) {
    yardstick_context_free (context);
    return NULL;
  }
  pthread_setspecific (context_key, context);
  return context;
}

static void *
yardstick_open (int readonly UNUSED)
{
  return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t
yardstick_get_size (void *handle UNUSED)
{
  return size;
}

static int
yardstick_can_multi_conn (void *handle UNUSED)
{
  return 1;
}

static int
yardstick_block_size (void *handle UNUSED, uint32_t *minimum,
                      uint32_t *preferred, uint32_t *maximum)
{
  *minimum = PAGE;
  *preferred = PAGE;
  *maximum = 32 * 1024 * 1024;
  return 0;
}

static int
yardstick_failed (int error)
{
  nbdkit_error ("a page could not be stored or read: %s", strerror (error));
  nbdkit_set_error (error);
  return -1;
}

static int
yardstick_store (struct slot *slot, const void *data)
{
  struct context *context;
  int r = 0;

  if (codec) {
    context = yardstick_context ();
    if (!context)
      return -ENOMEM;
    r = codec->compress (codec_params, context->compressor, data, PAGE,
                         slot->data, PAGE - 1);
    if (r < 0)
      return r;
  }
  if (r == 0)
    memcpy (slot->data, data, PAGE);
  slot->length = r == 0 ? PAGE : r;
  return 0;
}

static int
yardstick_load (const struct slot *slot, void *data)
{
  struct context *context;

  switch (slot->length) {
  case 0:
    memset (data, 0, PAGE);
    return 0;
  case PAGE:
    memcpy (data, slot->data, PAGE);
    return 0;
  default:
    context = yardstick_context ();
    if (!context)
      return -ENOMEM;
    return codec->decompress (NULL, context->decompressor, slot->data,
                              slot->length, data, PAGE);
  }
}

/* Read pages to a buffer, or write them from another; the one is NULL. */
static int
yardstick_pages (char *to, const char *from, uint32_t count, uint64_t offset)
{
  struct slot *slot = &slots[offset / PAGE];
  uint32_t i;
  int r;

  if (offset % PAGE || count % PAGE)
    return yardstick_failed (EINVAL);
  for (i = 0; i < count; i += PAGE, ++slot) {
    r = to ? yardstick_load (slot, to + i) : yardstick_store (slot, from + i);
    if (r < 0)
      return yardstick_failed (-r);
  }
  return 0;
}

static int
yardstick_pread (void *handle UNUSED, void *buf, uint32_t count,
                 uint64_t offset, uint32_t flags UNUSED)
{
  return yardstick_pages (buf, NULL, count, offset);
}

static int
yardstick_pwrite (void *handle UNUSED, const void *buf, uint32_t count,
                  uint64_t offset, uint32_t flags UNUSED)
{
  return yardstick_pages (NULL, buf, count, offset);
}

static struct nbdkit_plugin plugin = {
  .name = "yardstick",
  .version = PACKAGE_VERSION,
  .description = "Runs a codec on each page, and does nothing else.",
  .config = yardstick_config,
  .config_complete = yardstick_config_complete,
  .config_help =
    "size=<SIZE>  Of the disk, required.\n"
    "algo=<NAME>  A codec of nbdkit-zram, or none; default zstd.\n"
    "level=<N>    Its level.\n"
    "parallel=<WHEN>  As the disk has it.",
  .open = yardstick_open,
  .get_size = yardstick_get_size,
  .pread = yardstick_pread,
  .pwrite = yardstick_pwrite,
  .magic_config_key = "size",
  .can_multi_conn = yardstick_can_multi_conn,
  .thread_model = yardstick_thread_model,
  .get_ready = yardstick_get_ready,
  .block_size = yardstick_block_size,
};

NBDKIT_REGISTER_PLUGIN (plugin)
