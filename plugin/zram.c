/* nbdkit-zram: a compressed RAM disk as an nbdkit plugin.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit's callbacks, in the order in which nbdkit calls them.  They turn
 * requests into calls of the engine (lib/zram.h) and its errors into
 * NBD's; of pages they know nothing.
 *
 * nbdkit has checked every request before it gets here: it is within the
 * disk, counts are not 0, data is at most 64 MiB and flags are legal.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log.h"
#include "params.h"
#include "zram.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* nbdkit interfaces have arguments that we do not need. */
#define UNUSED __attribute__ ((unused))

/* The server's limit of a request with data. */
#define REQUEST_MAX (64 * 1024 * 1024)

/* Block status replies end after so many extents and the client asks on:
 * 8 bytes each in the reply, and nobody waits long for the others.
 */
#define EXTENTS_MAX 65536

/* The disk.  It outlives the connections. */
static struct zram_params params;
static struct zram_disk *disk;
static char description[128];

/* The exports. */
#define EXPORT_NAME "zram0"

/* One for each connection. */
struct handle {
  struct zram_disk *disk;       /* what it reads and writes */
};

/* Life of the server */

static void
plugin_load (void)
{
  params_load ();
}

static int
plugin_config (const char *key, const char *value)
{
  return params_set (key, value);
}

static int
plugin_config_complete (void)
{
  return params_complete (&params);
}

static void
plugin_dump_plugin (void)
{
  params_dump ();
}

/* The last moment at which an error reaches whoever started the server. */
static int
plugin_get_ready (void)
{
  char message[ZRAM_MESSAGE_MAX];

  if (zram_open (&params, &disk, message) < 0) {
    nbdkit_error ("%s", message);
    return -1;
  }
  snprintf (description, sizeof description,
            "RAM disk compressed with %s in pages of %" PRIu32 " KiB",
            zram_algorithm (disk), zram_page_size (disk) / 1024);
  nbdkit_debug ("%s, %" PRIu64 " bytes, memory limit %" PRIu64, description,
                zram_size (disk), zram_mem_limit (disk));
  return 0;
}

static int
plugin_after_fork (void)
{
  int r = zram_keeper_start (disk);

  if (r < 0) {
    errno = -r;
    nbdkit_error ("cannot start the thread that keeps the memory tidy: %m");
    return -1;
  }
  return 0;
}

static void
plugin_cleanup (void)
{
  if (disk)
    zram_keeper_stop (disk);
}

static void
plugin_unload (void)
{
  zram_close (disk);
  disk = NULL;
}

/* Exports */

static int
plugin_list_exports (int readonly UNUSED, int is_tls UNUSED,
                   struct nbdkit_exports *exports)
{
  return nbdkit_add_export (exports, EXPORT_NAME, description);
}

static const char *
plugin_default_export (int readonly UNUSED, int is_tls UNUSED)
{
  return EXPORT_NAME;
}

static void *
plugin_open (int readonly UNUSED)
{
  const char *name = nbdkit_export_name ();
  char text[LOG_TEXT_MAX];
  struct handle *h;

  if (!name)
    return NULL;
  /* nbdkit has put the default export's name in place of none. */
  if (strcmp (name, EXPORT_NAME) != 0) {
    nbdkit_error ("there is no export \"%s\", only \"" EXPORT_NAME "\"",
                  log_text (name, text));
    return NULL;
  }
  h = malloc (sizeof *h);
  if (!h) {
    nbdkit_error ("malloc: %m");
    return NULL;
  }
  h->disk = disk;
  return h;
}

static void
plugin_close (void *handle)
{
  free (handle);
}

static const char *
plugin_export_description (void *handle UNUSED)
{
  return description;
}

/* What an export can do */

static int64_t
plugin_get_size (void *handle)
{
  struct handle *h = handle;

  return (int64_t) zram_size (h->disk);
}

static int
plugin_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                 uint32_t *maximum)
{
  struct handle *h = handle;

  *minimum = 1;
  *preferred = zram_page_size (h->disk);
  *maximum = REQUEST_MAX;
  return 0;
}

static int
yes (void *handle UNUSED)
{
  return 1;
}

static int
no (void *handle UNUSED)
{
  return 0;
}

/* What was written is seen by every connection at once, and is never
 * safer than it is then: flush and FUA have nothing to do.
 */
static int
plugin_can_fua (void *handle UNUSED)
{
  return NBDKIT_FUA_NATIVE;
}

static int
plugin_can_cache (void *handle UNUSED)
{
  return NBDKIT_CACHE_NATIVE;
}

/* Requests */

/* The end of each: what the engine answered, as nbdkit wants it. */
static int
done (const char *request, uint32_t count, uint64_t offset, int r)
{
  if (r >= 0)
    return 0;
  log_failure (request, count, offset, -r);
  nbdkit_set_error (-r);
  return -1;
}

static int
plugin_pread (void *handle, void *buf, uint32_t count, uint64_t offset,
                   uint32_t flags UNUSED)
{
  struct handle *h = handle;

  return done ("read", count, offset,
               zram_pread (h->disk, buf, count, offset));
}

static int
plugin_pwrite (void *handle, const void *buf, uint32_t count,
                    uint64_t offset, uint32_t flags UNUSED)
{
  struct handle *h = handle;

  return done ("write", count, offset,
               zram_pwrite (h->disk, buf, count, offset));
}

static int
plugin_flush (void *handle UNUSED, uint32_t flags UNUSED)
{
  return 0;
}

static int
plugin_trim (void *handle, uint32_t count, uint64_t offset,
                  uint32_t flags UNUSED)
{
  struct handle *h = handle;

  return done ("trim", count, offset,
               zram_trim (h->disk, count, offset));
}

/* Zeroes are as fast as they can be without FAST_ZERO too. */
static int
plugin_zero (void *handle, uint32_t count, uint64_t offset,
                  uint32_t flags)
{
  struct handle *h = handle;

  return done ("zero", count, offset,
               flags & NBDKIT_FLAG_MAY_TRIM
               ? zram_trim (h->disk, count, offset)
               : zram_zero (h->disk, count, offset));
}

/* Nothing is further away than anything else. */
static int
plugin_cache (void *handle UNUSED, uint32_t count UNUSED,
                   uint64_t offset UNUSED, uint32_t flags UNUSED)
{
  return 0;
}

struct extents {
  struct nbdkit_extents *list;
  unsigned room;                /* for so many more */
};

/* The server aborts on an extent that ends after the range it asked for;
 * zram_extents clips them.
 */
static int
emit_extent (void *opaque, uint64_t offset, uint64_t length,
             enum zram_extent type)
{
  static const uint32_t types[] = {
    [ZRAM_EXTENT_HOLE] = NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO,
    [ZRAM_EXTENT_ZERO] = NBDKIT_EXTENT_ZERO,
    [ZRAM_EXTENT_DATA] = 0,
  };
  struct extents *extents = opaque;

  if (nbdkit_add_extent (extents->list, offset, length, types[type]) == -1)
    return -errno;
  return --extents->room == 0;
}

static int
plugin_extents (void *handle, uint32_t count, uint64_t offset,
                     uint32_t flags, struct nbdkit_extents *list)
{
  struct handle *h = handle;
  struct extents extents = { list, EXTENTS_MAX };

  if (flags & NBDKIT_FLAG_REQ_ONE)
    extents.room = 1;
  return done ("block status", count, offset,
               zram_extents (h->disk, count, offset, emit_extent, &extents));
}

static struct nbdkit_plugin plugin = {
  .name = "zram",
  .longname = "nbdkit compressed RAM disk plugin",
  .version = PACKAGE_VERSION,
  .description = "A disk in memory whose pages are compressed.",
  .load = plugin_load,
  .unload = plugin_unload,
  .config = plugin_config,
  .config_complete = plugin_config_complete,
  .config_help = params_help,
  .open = plugin_open,
  .close = plugin_close,
  .get_size = plugin_get_size,
  .can_write = yes,
  .can_flush = yes,
  .is_rotational = no,
  .can_trim = yes,
  .dump_plugin = plugin_dump_plugin,
  .can_zero = yes,
  .can_fua = plugin_can_fua,
  .pread = plugin_pread,
  .pwrite = plugin_pwrite,
  .flush = plugin_flush,
  .trim = plugin_trim,
  .zero = plugin_zero,
  .magic_config_key = "size",
  .can_multi_conn = yes,
  .can_extents = yes,
  .extents = plugin_extents,
  .can_cache = plugin_can_cache,
  .cache = plugin_cache,
  .can_fast_zero = yes,
  .get_ready = plugin_get_ready,
  .after_fork = plugin_after_fork,
  .list_exports = plugin_list_exports,
  .default_export = plugin_default_export,
  .export_description = plugin_export_description,
  .cleanup = plugin_cleanup,
  .block_size = plugin_block_size,
};

NBDKIT_REGISTER_PLUGIN (plugin)
