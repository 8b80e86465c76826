/* nbdkit-zram: parameters: what is taken, and what is said of the rest.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "codec.h"
#include "disk.h"
#include "disklib.h"

#define MiB (UINT64_C (1) << 20)

/* Refused, by the check and by open alike, with a message that has all of
 * these words in it, on one line.
 */
static void
refused (struct zram_params p, const char *word, const char *other)
{
  char message[ZRAM_MESSAGE_MAX] = "", again[ZRAM_MESSAGE_MAX] = "";
  struct zram_disk *d = NULL;

  CHECK (zram_params_check (&p, message) == -EINVAL);
  CHECK (zram_open (&p, &d, again) == -EINVAL && d == NULL);
  CHECK (strcmp (message, again) == 0 && strlen (message) > 10);
  if (!strstr (message, word) || !strstr (message, other) ||
      strchr (message, '\n'))
    fail ("message \"%s\" lacks \"%s\" or \"%s\"", message, word, other);
}

static void
taken (struct zram_params p)
{
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_disk *d = NULL;

  CHECK (zram_params_check (&p, message) == 0);
  CHECK (zram_open (&p, &d, message) == 0 && d != NULL);
  CHECK (zram_size (d) == p.size);
  CHECK (zram_page_size (d) == (p.page_size ? p.page_size : 4096));
  CHECK (zram_mem_limit (d) == p.mem_limit);
  disk_recount (d);
  zram_close (d);
}

static void
test_size (void)
{
  uint32_t page;

  refused ((struct zram_params) { .size = 0 }, "size", "0");
  refused ((struct zram_params) { .size = ZRAM_SIZE_MAX + 1 },
           "17592186044417", "17592186044416");
  refused ((struct zram_params) { .size = UINT64_MAX },
           "18446744073709551615", "16T");
  taken ((struct zram_params) { .size = 1 });
  for (page = ZRAM_PAGE_MIN; page <= ZRAM_PAGE_MAX; page *= 2)
    taken ((struct zram_params) { .size = ZRAM_SIZE_MAX,
                                  .page_size = page });
}

static void
test_page_size (void)
{
  static const uint32_t wrong[] = {
    1, 2048, 4095, 4097, 12288, 65537, 131072, UINT32_C (1) << 31,
  };
  char word[16];
  unsigned i;

  for (i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
    snprintf (word, sizeof word, "%u", wrong[i]);
    refused ((struct zram_params) { .size = MiB, .page_size = wrong[i] },
             word, "65536");
  }
}

static void
test_algo (void)
{
  const struct zram_codec_info *info;
  char name[300], level[16];
  unsigned i;

  memset (name, 'x', sizeof name - 1);
  name[sizeof name - 1] = 0;
  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i) {
    struct zram_params p = { .size = MiB, .algo = info->name };

    refused ((struct zram_params) { .size = MiB, .algo = "none" },
             "'none'", info->name);
    refused ((struct zram_params) { .size = MiB, .algo = name }, "xxx",
             info->name);
    taken (p);
    p.has_level = true;
    p.level = info->level_max + 1;
    snprintf (level, sizeof level, "%d", info->level_max);
    refused (p, "level", info->level_min > info->level_max ? "no levels"
             : level);
    if (info->level_min > info->level_max)
      continue;
    p.level = info->level_max;
    taken (p);
    p.level = info->level_min;
    taken (p);
    p.level--;
    snprintf (level, sizeof level, "%d", p.level);
    refused (p, level, info->name);
    if (info->alias) {
      p.algo = info->alias;
      p.has_level = false;
      taken (p);
    }
  }
  CHECK (i > 0 && zram_codec_info (i + 100) == NULL);
}

/* A limit that an empty disk does not fit is named, with what would do. */
static void
test_mem_limit (void)
{
  struct zram_params p = { .size = MiB, .mem_limit = 1 };
  char message[ZRAM_MESSAGE_MAX] = "";
  struct zram_disk *d = disk_open (&(struct zram_params) { .size = MiB });
  uint64_t held = disk_stats (d).mem_used_total;
  unsigned char byte = 1;

  zram_close (d);
  for (p.mem_limit = 1; p.mem_limit <= held; p.mem_limit += held - 1) {
    char word[24];

    d = NULL;
    snprintf (word, sizeof word, "%" PRIu64, p.mem_limit);
    CHECK (zram_params_check (&p, message) == 0);
    CHECK (zram_open (&p, &d, message) == -EINVAL && d == NULL);
    CHECK (strstr (message, "mem-limit") && strstr (message, word));
    snprintf (word, sizeof word, " %" PRIu64 "K", held / 1024 + 1);
    CHECK (strstr (message, word));
  }
  p.mem_limit = held + 1;
  taken (p);
  d = disk_open (&p);
  CHECK (zram_pwrite (d, &byte, 1, 0) == -ENOSPC);
  CHECK (zram_pread (d, &byte, 1, 0) == 0 && byte == 0);
  disk_recount (d);
  zram_close (d);
  zram_close (NULL);
}

/* Late pages: from one page to a GiB, to half of the limit, or none. */
static void
test_late (void)
{
  struct zram_params p = { .size = MiB, .late = 4095 };

  refused (p, "late 4095", "4096");
  p.late = (UINT64_C (1) << 30) + 1;
  refused (p, "late 1073741825", "1073741824");
  p.late = 65535;
  p.page_size = 65536;
  refused (p, "late 65535", "65536");
  p.late = 65536;
  taken (p);
  p.swap = true;
  refused (p, "late 65536", "swap");
  p.swap = false;
  p.mem_limit = 16 * MiB;
  p.late = 8 * MiB;
  taken (p);
  p.late++;
  refused (p, "late 8388609", "8388608");
  p.mem_limit = 0;
  p.late = UINT64_C (1) << 30;
  taken (p);
}

int
main (void)
{
  test_size ();
  test_page_size ();
  test_algo ();
  test_mem_limit ();
  test_late ();
  return 0;
}
