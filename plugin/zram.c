/* nbdkit-zram: a compressed RAM disk as an nbdkit plugin.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdkit's callbacks, in the order in which nbdkit calls them.  They send
 * requests to the export that the client has open (export.h), and turn its
 * errors into NBD's.  They know nothing of pages.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "attr-store.h"
#include "devices.h"
#include "export.h"
#include "log-thread.h"
#include "log.h"
#include "parallel.h"
#include "params.h"
#include "statistics.h"
#include "swap.h"
#include "user.h"

/* At most; see plugin_thread_model. */
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* For arguments of callbacks that we do not need. */
#define UNUSED __attribute__ ((unused))

/* Bytes of the largest request with data, which nbdkit takes. */
#define REQUEST_MAX (64 * 1024 * 1024)

/* nbdkit -D zram.swap_skip=N leaves out steps of swap=true, to see what they
 * are good for: the sum of 1 for the first, 2 for the second, and so on.
 */
NBDKIT_DLL_PUBLIC int zram_debug_swap_skip;

/* As they were given; the devices are made from them. */
static struct params params;

/* Life of the server */

static void
plugin_load (void)
{
  params_load ();
  swap_load ();
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

/* nbdkit calls it when all parameters are known, and for --dump-plugin. */
static int
plugin_thread_model (void)
{
  return parallel_on () ? NBDKIT_THREAD_MODEL_PARALLEL
    : NBDKIT_THREAD_MODEL_SERIALIZE_REQUESTS;
}

static void
plugin_dump_plugin (void)
{
  params_dump ();
}

static bool
plugin_any_swap (void)
{
  unsigned i;

  for (i = 0; i < params.devices; i++)
    if (params.device[i].params.swap)
      return true;
  return false;
}

static struct swap_server
plugin_swap_server (void (*warn) (const char *line))
{
  static char why[64];

  snprintf (why, sizeof why, "left out by -D zram.swap_skip=%d",
            zram_debug_swap_skip);
  return (struct swap_server) {
    .skip = (unsigned) zram_debug_swap_skip,
    .skip_why = why,
    .become_user = user_become,
    .warn = warn,
  };
}

/* Is the server going on, and the client of this thread's request there?  That
 * is what nbdkit's sleep watches.
 */
static bool
plugin_goes_on (void)
{
  return nbdkit_nanosleep (0, 0) == 0;
}

/* Make the devices.  This is the last moment at which an error reaches whoever
 * started the server.
 */
static int
plugin_get_ready (void)
{
  char message[ZRAM_MESSAGE_MAX], about[128];
  struct swap_server server = plugin_swap_server (log_warn_starter);
  struct device *dev;
  unsigned i, number;

  export_control_access = params.control;
  statistics_parallel = parallel_on ();
  attr_goes_on = plugin_goes_on;
  if (plugin_any_swap ())
    swap_prepare (&server);
  for (i = 0; i < params.devices; i++) {
    if (device_add (&params.device[i].params, &number, message) < 0) {
      if (params.devices > 1)
        nbdkit_error ("zram%u: %s", number, message);
      else
        nbdkit_error ("%s", message);
      return -1;
    }
    settings_free (&params.device[i]);
    dev = device_get (number);
    device_describe (dev, about, sizeof about);
    nbdkit_debug ("%s: %s, %" PRIu64 " bytes, memory limit %" PRIu64,
                  dev->name, about, zram_size (dev->disk),
                  zram_mem_limit (dev->disk));
    device_put (dev);
  }
  return 0;
}

static int
plugin_after_fork (void)
{
  struct swap_server server = plugin_swap_server (log_warn_reader);
  char message[ZRAM_MESSAGE_MAX];

  /* Before all else: threads made after it inherit it. */
  if (plugin_any_swap ()) {
    swap_take (&server);
    if (log_thread_start (log_line) < 0) {
      nbdkit_error ("cannot start the thread that writes to the log");
      return -1;
    }
  }
  if (devices_forked (message) == 0)
    return 0;
  nbdkit_error ("%s", message);
  return -1;
}

static void
plugin_cleanup (void)
{
  devices_stop ();
  log_thread_stop ();
}

static void
plugin_unload (void)
{
  devices_free ();
}

/* Exports */

static int
plugin_list_device (struct nbdkit_exports *exports, const struct device *dev)
{
  const struct attr *a;
  char text[128];
  unsigned i;

  device_describe (dev, text, sizeof text);
  if (nbdkit_add_export (exports, dev->name, text) == -1)
    return -1;
  for (i = 0; (a = attr_get (i)) != NULL; i++) {
    snprintf (text, sizeof text, "%s/%s", dev->name, a->name);
    if (a->mode & ATTR_READ &&
        nbdkit_add_export (exports, text, a->help) == -1)
      return -1;
  }
  return 0;
}

static int
plugin_list_exports (int readonly UNUSED, int is_tls UNUSED,
                     struct nbdkit_exports *exports)
{
  struct device *devices[DEVICES_MAX];
  const struct report *report;
  unsigned i, n = devices_get (devices);
  int r = 0;

  for (i = 0; i < n; i++) {
    if (r == 0)
      r = plugin_list_device (exports, devices[i]);
    device_put (devices[i]);
  }
  for (i = 0; r == 0 && (report = report_get (i)) != NULL; i++)
    r = nbdkit_add_export (exports, report->name, report->help);
  if (r == 0 && params.control != CONTROL_OFF)
    r = nbdkit_add_export (exports, "control", EXPORT_CONTROL_HELP);
  return r;
}

static const char *
plugin_default_export (int readonly UNUSED, int is_tls UNUSED)
{
  return "zram0";
}

static const char *
plugin_open_export (struct handle *h, const char *text)
{
  static const struct export *const exports[] = {
    [EXPORT_DISK] = &export_disk,
    [EXPORT_ATTR] = &export_text,
    [EXPORT_REPORT] = &export_text,
    [EXPORT_CONTROL] = &export_control,
  };
  struct export_name name;

  if (!export_name_parse (text, &name))
    return "there is no such export";
  h->export = exports[name.type];
  return h->export->open (h, &name);
}

static void *
plugin_open (int readonly UNUSED)
{
  /* nbdkit has put the default export's name in place of none. */
  const char *name = nbdkit_export_name (), *why;
  struct handle *h;

  if (!name)
    return NULL;
  h = calloc (1, sizeof *h);
  if (!h) {
    nbdkit_error ("calloc: %m");
    return NULL;
  }
  why = plugin_open_export (h, name);
  if (why) {
    log_refusal ("export", name, why);
    free (h);
    return NULL;
  }
  return h;
}

static void
plugin_close (void *handle)
{
  struct handle *h = handle;

  h->export->close (h);
  free (h);
}

static const char *
plugin_export_description (void *handle)
{
  struct handle *h = handle;

  return h->description;
}

/* What an export can do */

static int64_t
plugin_get_size (void *handle)
{
  struct handle *h = handle;

  return (int64_t) h->export->size (h);
}

static int
plugin_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                   uint32_t *maximum)
{
  struct handle *h = handle;

  *minimum = 1;
  *preferred = h->device ? zram_page_size (h->device->disk) : ZRAM_PAGE_MIN;
  *maximum = REQUEST_MAX;
  return 0;
}

static int
plugin_can_write (void *handle)
{
  struct handle *h = handle;

  return h->export->can_write (h);
}

/* Only a disk is the same for all connections; a text is a copy for one. */
static int
plugin_is_disk (void *handle)
{
  struct handle *h = handle;

  return h->export->is_disk;
}

static int
plugin_yes (void *handle UNUSED)
{
  return 1;
}

static int
plugin_no (void *handle UNUSED)
{
  return 0;
}

/* Yes for all.  A client may ask for a fast zero whatever it was told, and
 * nbdkit asserts that an export which can be written knows of it.  Where
 * can_zero says no, nbdkit itself answers ENOTSUP.
 */
static int
plugin_can_fast_zero (void *handle UNUSED)
{
  return 1;
}

/* Flush and FUA have nothing to do: what was written is seen by every
 * connection at once, and never becomes any safer.
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

/* End a request: return what the export answered as nbdkit wants it, and log
 * an error of a disk.  Other exports have logged it themselves.
 */
static int
plugin_done (const struct handle *h, const char *request, uint32_t count,
             uint64_t offset, int r)
{
  if (r >= 0)
    return 0;
  if (h->export->is_disk)
    log_failure (request, count, offset, -r);
  nbdkit_set_error (-r);
  return -1;
}

static int
plugin_pread (void *handle, void *buf, uint32_t count, uint64_t offset,
              uint32_t flags UNUSED)
{
  struct handle *h = handle;

  swap_request ();
  return plugin_done (h, "read", count, offset,
                      h->export->pread (h, buf, count, offset));
}

static int
plugin_pwrite (void *handle, const void *buf, uint32_t count,
               uint64_t offset, uint32_t flags UNUSED)
{
  struct handle *h = handle;

  swap_request ();
  return plugin_done (h, "write", count, offset,
                      h->export->pwrite (h, buf, count, offset));
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

  swap_request ();
  return plugin_done (h, "trim", count, offset,
                      h->export->trim (h, count, offset));
}

static int
plugin_zero (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  struct handle *h = handle;

  swap_request ();
  return plugin_done (h, "zero", count, offset,
                      h->export->zero (h, count, offset, flags));
}

/* Nothing to do: all of the disk is equally near. */
static int
plugin_cache (void *handle UNUSED, uint32_t count UNUSED,
              uint64_t offset UNUSED, uint32_t flags UNUSED)
{
  return 0;
}

static int
plugin_extents (void *handle, uint32_t count, uint64_t offset,
                uint32_t flags, struct nbdkit_extents *list)
{
  struct handle *h = handle;

  return plugin_done (h, "block status", count, offset,
                      h->export->extents (h, count, offset, flags, list));
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
  .can_write = plugin_can_write,
  .can_flush = plugin_yes,
  .is_rotational = plugin_no,
  .can_trim = plugin_is_disk,
  .dump_plugin = plugin_dump_plugin,
  .can_zero = plugin_is_disk,
  .can_fua = plugin_can_fua,
  .pread = plugin_pread,
  .pwrite = plugin_pwrite,
  .flush = plugin_flush,
  .trim = plugin_trim,
  .zero = plugin_zero,
  .magic_config_key = "size",
  .can_multi_conn = plugin_is_disk,
  .can_extents = plugin_is_disk,
  .extents = plugin_extents,
  .can_cache = plugin_can_cache,
  .cache = plugin_cache,
  .thread_model = plugin_thread_model,
  .can_fast_zero = plugin_can_fast_zero,
  .get_ready = plugin_get_ready,
  .after_fork = plugin_after_fork,
  .list_exports = plugin_list_exports,
  .default_export = plugin_default_export,
  .export_description = plugin_export_description,
  .cleanup = plugin_cleanup,
  .block_size = plugin_block_size,
};

NBDKIT_REGISTER_PLUGIN (plugin)
