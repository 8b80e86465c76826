/* Test of control/attr-store-params.c: recompression, as attributes say it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every value that is refused, with its message; what the attributes show;
 * and which pages a run takes, by what block_state shows of them.
 */

#include <config.h>

#include <errno.h>
#include <regex.h>

#include "../control/attr-store.h"
#include "../control/attr.h"
#include "disklib.h"

#define PAGE 4096

static struct zram_disk *disk;
static struct device_view device = { .name = "zram0" };
static char message[ZRAM_MESSAGE_MAX];

/* The text of an attribute; the caller need not free it. */
static const char *
show (const char *name)
{
  static struct strbuf text = { .max = 1 << 20 };

  strbuf_cut (&text, 0);
  CHECK (attr_show (attr_find (name), &device, &text) == 0);
  return text.len ? text.data : "";
}

static void
check_shows (const char *name, const char *expected)
{
  if (strcmp (show (name), expected) != 0)
    fail ("%s shows '%s', should be '%s'", name, show (name), expected);
}

static bool
matches (const char *text, const char *pattern)
{
  regex_t re;
  bool r;

  CHECK (regcomp (&re, pattern, REG_EXTENDED | REG_NOSUB) == 0);
  r = regexec (&re, text, 0, NULL, 0) == 0;
  regfree (&re);
  return r;
}

static int
set (const char *name, const char *value)
{
  message[0] = '\0';
  return attr_find (name)->store (disk, value, message);
}

/* These follow one another. */
static const struct value {
  const char *attr, *value;
  const char *refused;          /* the message matches; NULL: it is taken */
  const char *reads, *as;       /* and then this attribute shows that */
} values[] = {
  { "comp_algorithm", "zstd", NULL, "recomp_algorithm", "" },
  { "algorithm_params", "priority=1 level=3", "no algorithm is set for "
    "priority 1: recomp_algorithm", "recomp_algorithm", "" },
  { "recomp_algorithm", "", "algo=NAME is missing", NULL, NULL },
  { "recomp_algorithm", "priority=2", "algo=NAME is missing", NULL, NULL },
  { "recomp_algorithm", "lz4", "'lz4' is not KEY=VALUE: there are algo=",
    NULL, NULL },
  { "recomp_algorithm", "algo=", "algo=: the value is missing", NULL, NULL },
  { "recomp_algorithm", "algo=lzw", "'lzw' is not known: there are",
    NULL, NULL },
  { "recomp_algorithm", "algo=lz4:x", "'lz4:x': .*colon.*level", NULL, NULL },
  { "recomp_algorithm", "algo=lz4 priority=0", "priority='0': must be a "
    "number from 1 to 3", NULL, NULL },
  { "recomp_algorithm", "algo=lz4 priority=4", "priority='4': must be a "
    "number from 1 to 3", NULL, NULL },
  { "recomp_algorithm", "algo=lz4 level=1", "there is no 'level' here",
    "recomp_algorithm", "" },
  { "recompress", "", "no algorithm is set for priority 1: recomp_algorithm",
    NULL, NULL },
  { "recompress", "priority=3", "no algorithm is set for priority 3",
    NULL, NULL },
  { "recompress", "algo=zstd", "algo='zstd' is not set for any priority",
    NULL, NULL },
  { "recomp_algorithm", "algo=zstd priority=1", NULL, "algorithm_params",
    "algo=zstd level=1\nalgo=zstd level=1 priority=1\n" },
  { "recomp_algorithm", "priority=3 algo=\"zstd:9\"", NULL,
    "algorithm_params", "algo=zstd level=1\nalgo=zstd level=1 priority=1\n"
    "algo=zstd level=9 priority=3\n" },
  { "recomp_algorithm", "algo=zstd:99", "level 99.*zstd", NULL, NULL },
  { "algorithm_params", "priority=1 level=6", NULL, "algorithm_params",
    "algo=zstd level=1\nalgo=zstd level=6 priority=1\n"
    "algo=zstd level=9 priority=3\n" },
  { "algorithm_params", "priority=3 algo=zstd", NULL, "algorithm_params",
    "algo=zstd level=1\nalgo=zstd level=6 priority=1\n"
    "algo=zstd level=1 priority=3\n" },
  { "algorithm_params", "priority=3 algo=lzw level=3",
    "priority 3 has zstd and not algo=lzw", NULL, NULL },
  { "algorithm_params", "priority=2 level=3", "no algorithm is set for "
    "priority 2", NULL, NULL },
  { "algorithm_params", "priority=1 level=99", "level 99.*zstd",
    "algorithm_params", "algo=zstd level=1\nalgo=zstd level=6 priority=1\n"
    "algo=zstd level=1 priority=3\n" },

  { "recompress", "type=", "type=: the value is missing", NULL, NULL },
  { "recompress", "type=cold", "type='cold': must be idle, huge or huge_idle",
    NULL, NULL },
  { "recompress", "type=idle type=huge", "type is given twice", NULL, NULL },
  { "recompress", "idle", "'idle' is not KEY=VALUE: there are type=",
    NULL, NULL },
  { "recompress", "threshold=4097", "threshold 4097 is larger than a page, "
    "which has 4096", NULL, NULL },
  { "recompress", "threshold=99999999999999999999", "larger than a page",
    NULL, NULL },
  { "recompress", "threshold=3K", "threshold='3K': must be a number of bytes",
    NULL, NULL },
  { "recompress", "max_pages=-1", "max_pages='-1': must be a number",
    NULL, NULL },
  { "recompress", "priority=0", "priority='0': must be a number from 1 to 3",
    NULL, NULL },
  { "recompress", "priority=2", "no algorithm is set for priority 2",
    NULL, NULL },
  { "recompress", "priority=2 algo=zstd", "algo='zstd' is not what "
    "recomp_algorithm has set for priority 2", NULL, NULL },
  { "recompress", "algo=zstd:6", "algo='zstd:6': recomp_algorithm says the "
    "level", NULL, NULL },
  { "recompress", "algo=lzw", "algo='lzw' is not set for any priority",
    NULL, NULL },
  { "recompress", "speed=1", "there is no 'speed' here: there are type=",
    NULL, NULL },
  { "recompress", "max_pages=0", NULL, NULL, NULL },
  { "recompress", "", NULL, NULL, NULL },
  { "recompress", "type=idle threshold=0 algo=zstd priority=3 max_pages=9",
    NULL, NULL, NULL },
  { "recompress", "priority=1 threshold=4096", NULL, NULL, NULL },
};

static void
test_values (void)
{
  struct zram_params p = { .size = 1 << 20 };
  size_t i;
  int r;

  device.disk = disk = disk_open (&p);
  for (i = 0; i < sizeof values / sizeof values[0]; i++) {
    const struct value *v = &values[i];

    r = set (v->attr, v->value);
    if (!v->refused && r != 0)
      fail ("%s %s: %s", v->attr, v->value, message);
    if (v->refused && (r != -EINVAL || !matches (message, v->refused)))
      fail ("%s %s: returned %d and said '%s', should match '%s'", v->attr,
            v->value, r, message, v->refused);
    if (v->reads)
      check_shows (v->reads, v->as);
  }
  /* A reset keeps what is set. */
  CHECK (set ("reset", "1") == 0);
  CHECK (matches (show ("algorithm_params"), "level=6 priority=1\n.*=3\n$"));
  zram_close (disk);
}

/* As the kernel prints it: every name and a space, that of the priority in
 * brackets.
 */
static void
test_names (void)
{
  struct zram_params p = { .size = 1 << 20 };
  const char *last = "lz4", *s;
  unsigned i;

  device.disk = disk = disk_open (&p);
  CHECK (set ("recomp_algorithm", "algo=lz4 priority=2") == 0);
  s = show ("recomp_algorithm");
  CHECK (matches (s, "^#2: ([a-z0-9]+ )*\\[lz4\\] ([a-z0-9]+ )*\n$"));
  for (i = 0; zram_codec_info (i); i++)
    last = zram_codec_info (i)->name;
  CHECK (set ("recomp_algorithm", "algo=zstd:3") == 0);
  CHECK (set ("comp_algorithm", last) == 0);
  CHECK (matches (show ("recomp_algorithm"),
                  "^#1: .*\\[zstd\\] .*\n#2: .*\\[lz4\\] .*\n$"));
  zram_close (disk);
}

static void
put (unsigned slot, unsigned noise)
{
  unsigned char page[PAGE];
  unsigned i;

  page_make (page, PAGE, noise, slot + 1);
  for (i = 0; noise < PAGE && i < noise; i++)
    page[i] = "etaoin shrdlu"[page[i] % 13];
  CHECK (zram_pwrite (disk, page, PAGE, slot * PAGE) == 0);
}

/* The six letters of a page. */
static void
check_state (unsigned slot, const char *letters)
{
  const char *s = show ("block_state") + slot * ATTR_LINE_MAX;

  if (strncmp (s + ATTR_LINE_MAX - 7, letters, 6) != 0)
    fail ("page %u is not %s: %.40s", slot, letters, s);
}

static void
run (const char *value, const char *result)
{
  if (set ("recompress", value) < 0 || !matches (message, result))
    fail ("recompress %s: %s and not %s", value, message, result);
  disk_recount (disk);
}

/* Which pages each type takes, and what they become.  Page 0 is a word, 1 and
 * 2 are raw, 3 to 6 are compressed, 3 and 1 idle.
 */
static void
test_types (void)
{
  struct zram_params p = { .size = 7 * PAGE, .algo = "lz4" };
  unsigned char word[PAGE];
  unsigned i;

  device.disk = disk = disk_open (&p);
  page_same (word, PAGE, 5);
  CHECK (zram_pwrite (disk, word, PAGE, 0) == 0);
  for (i = 1; i < 7; i++)
    put (i, i < 3 ? PAGE : i * 400);
  CHECK (set ("idle", "all") == 0);
  for (i = 2; i < 7; i++)
    if (i != 3)
      CHECK (zram_pread (disk, word, PAGE, i * PAGE) == 0);
  CHECK (set ("recomp_algorithm", "algo=zstd:3") == 0);
  CHECK (set ("recomp_algorithm", "algo=zstd:9 priority=3") == 0);

  /* It is not the highest priority: nobody has given up. */
  run ("type=huge_idle", "^tried=1 done=0 bytes=0 gained=0$");
  check_state (1, "..h...");
  run ("type=huge_idle", "^tried=0 ");
  run ("type=huge", "^tried=2 done=0 ");
  run ("type=idle", "^tried=1 done=1 bytes=[0-9]+ gained=[1-9][0-9]*$");
  check_state (3, "....r.");
  run ("type=huge max_pages=1 priority=3", "^tried=1 done=0 ");
  CHECK (strstr (show ("block_state"), "..h..n"));
  run ("type=huge priority=3", "^tried=1 done=0 ");
  check_state (1, "..h..n");
  check_state (2, "..h..n");
  run ("type=huge algo=zstd", "^tried=0 ");
  CHECK (disk_stats (disk).incompressible_pages == 2);

  /* The largest first; those that are small enough not at all. */
  run ("threshold=2000 max_pages=1", "^tried=1 done=1 ");
  check_state (6, "....r.");
  check_state (5, "......");
  run ("threshold=4096", "^tried=0 ");
  run ("", "^tried=2 done=2 ");
  CHECK (disk_stats (disk).recompressed_pages == 4);
  run ("", "^tried=0 ");
  check_state (0, "s.....");
  put (6, 2400);
  check_state (6, "......");
  run ("algo=zstd priority=1", "^tried=1 done=1 ");

  /* A result that does not come below the threshold is none. */
  put (5, 2000);
  run ("priority=3 threshold=100", "^tried=4 done=0 ");
  check_state (5, ".....n");
  CHECK (disk_stats (disk).recompress_tried == 14);
  CHECK (disk_stats (disk).recompress_done == 5);
  zram_close (disk);
}

/* Whoever waits is asked now and then, and can leave. */
static bool
leave (void)
{
  return false;
}

static void
test_leave (void)
{
  struct zram_params p = { .size = 64 << 20, .algo = "lz4" };
  unsigned i;

  device.disk = disk = disk_open (&p);
  for (i = 0; i < 16384; i++)
    put (i, 2000);
  CHECK (set ("recomp_algorithm", "algo=zstd:15") == 0);
  attr_goes_on = leave;
  CHECK (set ("recompress", "") == -ESHUTDOWN);
  CHECK (matches (message, "^recompression ended after [0-9]+ pages, [0-9]+ of "
                  "them done: it was told to end$"));
  attr_goes_on = NULL;
  CHECK (disk_stats (disk).recompressed_pages < 16384);
  zram_end_jobs (disk);
  CHECK (set ("recompress", "") == -ESHUTDOWN);
  CHECK (strstr (message, "after 0 pages"));
  disk_recount (disk);
  zram_close (disk);
}

int
main (void)
{
  if (codec_find ("zstd") < 0 || codec_find ("lz4") < 0)
    return 77;
  test_values ();
  test_names ();
  test_types ();
  test_leave ();
  return 0;
}
