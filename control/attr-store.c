/* nbdkit-zram: what can be written to attributes.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Values are checked more strictly than the kernel does, which takes
 * "512MB" for 512M and ignores keys that it does not know.  A message
 * names what is wrong and says what would be right.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "attr-params.h"
#include "attr-store.h"
#include "number.h"
#include "ram-share.h"

#define SECTOR 512
_Static_assert (ZRAM_SIZE_MAX == UINT64_C (16) << 40, "the texts say so");

/* Numbers. */

/* The functions here have the message at hand. */
#define refuse(...) attr_refuse (message, __VA_ARGS__)

static int
attr_refuse_bytes (char message[ZRAM_MESSAGE_MAX], const char *value,
                   const char *range)
{
  return refuse (QUOTED " is not understood: must be %s, "
                 NUMBER_SIZES "; not in KB, MB, ..., which the kernel takes"
                 " for K, M, ...", value, range);
}

/* disksize */

#define DISKSIZE (NUMBER_KERNEL | NUMBER_SECTORS)

int
attr_store_disksize (struct zram_disk *disk, const char *value,
                     char message[ZRAM_MESSAGE_MAX])
{
  uint64_t n;

  if (number_size (value, DISKSIZE, &n) == -EINVAL)
    return attr_refuse_bytes (message, value, ATTR_DISKSIZES);
  if (n > ZRAM_SIZE_MAX)
    return refuse (QUOTED " is too large: the maximum is 16T",
                   value);
  if (n < SECTOR)
    return refuse (QUOTED " is too small: must be " ATTR_DISKSIZES,
                   value);
  if (n % SECTOR)
    return refuse (QUOTED " is not a multiple of 512: the nearest"
                   " are %" PRIu64 " and %" PRIu64, value,
                   n / SECTOR * SECTOR, n / SECTOR * SECTOR + SECTOR);
  return zram_resize (disk, n, message);
}

bool
attr_shrinks (const struct zram_disk *disk, const char *value)
{
  uint64_t n;

  return number_size (value, DISKSIZE, &n) == 0 && n < zram_size (disk);
}

/* reset, compact */

static bool
attr_is_force (const char *value)
{
  return strcmp (value, "force") == 0;
}

/* Only 1.  The kernel takes any number of 16 bits but 0; whoever says 2 may
 * have meant something else than to lose all data.
 */
static bool
attr_is_one (const char *value)
{
  return strcmp (value, "1") == 0;
}

bool
attr_resets_unasked (const struct zram_disk *disk, const char *value)
{
  (void) disk;
  return attr_is_one (value);
}

int
attr_store_reset (struct zram_disk *disk, const char *value,
                  char message[ZRAM_MESSAGE_MAX])
{
  int r;

  if (!attr_is_force (value) && !attr_is_one (value))
    return refuse (QUOTED " is not understood: must be 1, or force"
                   " to do it while clients are connected", value);
  r = zram_reset (disk);
  if (r < 0)
    refuse ("not enough memory to reset the disk");
  return r;
}

int
attr_store_compact (struct zram_disk *disk, const char *value,
                    char message[ZRAM_MESSAGE_MAX])
{
  if (*value && strcmp (value, "1") != 0)
    return refuse (QUOTED " is not understood: must be 1 or"
                   " nothing", value);
  return zram_compact (disk);
}

/* Memory, idle pages */

static int
attr_parse_limit (const char *value, uint64_t *limit,
                  char message[ZRAM_MESSAGE_MAX])
{
  static const char range[] = "a number of bytes, from 1% to 100% of the RAM,"
    " or 0 for no limit";
  const char *why;
  int r;

  if (strchr (value, '%')) {
    why = ram_share_parse (value, limit);
    return why ? refuse (QUOTED ": %s", value, why) : 0;
  }
  r = number_size (value, NUMBER_KERNEL, limit);
  if (r == -EINVAL)
    return attr_refuse_bytes (message, value, range);
  return *limit > INT64_MAX
    ? refuse (QUOTED " is too large: must be %s", value, range) : 0;
}

int
attr_store_mem_limit (struct zram_disk *disk, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  uint64_t limit;
  int r = attr_parse_limit (value, &limit, message);

  if (r == 0)
    zram_set_mem_limit (disk, limit);
  return r;
}

int
attr_store_mem_used_max (struct zram_disk *disk, const char *value,
                         char message[ZRAM_MESSAGE_MAX])
{
  if (strcmp (value, "0") != 0)
    return refuse (QUOTED " cannot be set: must be 0, to let the"
                   " maximum start again from what is used now", value);
  zram_reset_peak (disk);
  return 0;
}

int
attr_store_idle (struct zram_disk *disk, const char *value,
                 char message[ZRAM_MESSAGE_MAX])
{
  static const char ranges[] = "all, or a number of seconds from 1 on";
  uint64_t n = 0;

  if (strcmp (value, "all") != 0) {
    number_count (value, NUMBER_KERNEL, &n);
    if (n == 0)
      return refuse (QUOTED " is not understood: must be %s",
                     value, ranges);
    /* Longer than any machine runs, and it can be added to. */
    if (n > UINT32_MAX)
      n = UINT32_MAX;
  }
  if (zram_mark_idle (disk, n) < 0)
    return refuse (QUOTED ": ages are not known: the disk was made"
                   " without track-access=true; only all can be marked",
                   value);
  return 0;
}

/* Algorithms */

int
attr_store_comp_algorithm (struct zram_disk *disk, const char *value,
                           char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm a;
  int r = attr_algorithm (&a, value, message);

  return r < 0 ? r : zram_set_algorithm (disk, a.name, a.has_level, a.level,
                                         message);
}
