/* Test of control/attr.c and control/attr-store.c: what attributes look
 * like, to the last space, and which values they take.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <regex.h>
#include <unistd.h>

#include "../control/attr.h"
#include "../control/statistics.h"
#include "disklib.h"

static struct zram_disk *disk;
static struct device_view device = { .name = "zram0", .clients = 3 };

/* The text of an attribute; the caller need not free it. */
static const char *
show (const char *name)
{
  static struct strbuf text = { .max = 1 << 20 };
  const struct attr *a = attr_find (name);

  CHECK (a && a->mode & ATTR_READ);
  strbuf_cut (&text, 0);
  CHECK (attr_show (a, &device, &text) == 0);
  return text.len ? text.data : "";
}

static void
check_shows (const char *name, const char *expected)
{
  if (strcmp (show (name), expected) != 0)
    fail ("%s shows '%s', should be '%s'", name, show (name), expected);
}

static void
begin (const struct zram_params *params)
{
  disk = disk_open (params);
  device.disk = disk;
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

/* The table */

static void
test_table (void)
{
  const struct attr *a, *b;
  unsigned i, k;

  for (i = 0; (a = attr_get (i)) != NULL; i++) {
    CHECK (attr_find (a->name) == a);
    CHECK (a->mode == 0444 || a->mode == 0644 || a->mode == 0200);
    CHECK (!!a->show + !!a->list + !!statistic_of_attr (a->name)
           == !!(a->mode & ATTR_READ));
    CHECK (!a->store == !(a->mode & ATTR_WRITE));
    CHECK (!a->values == !a->store);
    CHECK (a->help && *a->help && strlen (a->help) < 60);
    for (k = 0; k < i; k++) {
      b = attr_get (k);
      CHECK (strcmp (a->name, b->name) != 0);
    }
  }
  CHECK (i > 20);
  CHECK (!attr_find ("") && !attr_find ("mm_stat "));
  CHECK (!attr_get (1000));
}

/* Texts */

static void
test_empty (void)
{
  struct zram_params p = { .size = 1 << 20 };
  char line[256];
  struct zram_stats st;

  begin (&p);
  st = disk_stats (disk);
  check_shows ("disksize", "1048576\n");
  check_shows ("initstate", "1\n");
  check_shows ("io_stat", "       0        0 0        0\n");
  check_shows ("debug_stat", "version: 1\n0        0\n");
  check_shows ("block_state", "");
  check_shows ("invalid_io", "0\n");
  check_shows ("mem_limit", "0\n");
  CHECK (strlen (show ("mm_stat")) == 81);
  snprintf (line, sizeof line, "       0        0 %8" PRIu64 "        0 %8"
            PRIu64 "        0        0        0        0\n",
            st.mem_used_total, st.mem_used_max);
  check_shows ("mm_stat", line);
  CHECK (strtoul (show ("max_comp_streams"), NULL, 10) >= 1);
  zram_close (disk);
}

/* A column that does not fit is wider, and the next one follows. */
static void
test_wide (void)
{
  struct zram_params p = {
    .size = UINT64_C (1) << 44, .mem_limit = UINT64_C (123456789012345)
  };

  begin (&p);
  check_shows ("disksize", "17592186044416\n");
  check_shows ("mem_limit", "123456789012345\n");
  CHECK (matches (show ("mm_stat"),
                  "^       0        0 [ 0-9]{8} 123456789012345 [ 0-9]{8} "));
  zram_close (disk);
}

static void
write_page (uint64_t slot, const unsigned char *page)
{
  CHECK (zram_pwrite (disk, page, 4096, slot * 4096) == 0);
}

/* Pages of each sort, and what the attributes make of them. */
static void
test_contents (void)
{
  struct zram_params p = { .size = 1 << 20 };
  unsigned char page[4096];
  char line[256];
  struct zram_stats st;

  begin (&p);
  memset (page, 0, sizeof page);
  write_page (3, page);
  page_same (page, sizeof page, UINT64_C (0x1122334455667788));
  write_page (7, page);
  page_make (page, sizeof page, sizeof page, 1);
  write_page (200, page);
  page_make (page, sizeof page, 1000, 2);
  write_page (40, page);
  CHECK (zram_trim (disk, 4096, 0) == 0);
  CHECK (zram_pread (disk, page, 4096, 4096) == 0);

  st = disk_stats (disk);
  CHECK (st.same_pages == 2 && st.huge_pages == 1);
  check_shows ("orig_data_size", "16384\n");
  check_shows ("zero_pages", "1\n");
  check_shows ("num_reads", "1\n");
  check_shows ("num_writes", "4\n");
  check_shows ("notify_free", "0\n");
  snprintf (line, sizeof line, "%8u %8" PRIu64 " %8" PRIu64 "        0 %8"
            PRIu64 "        2        0        1        1\n", 16384,
            st.compr_data_size, st.mem_used_total, st.mem_used_max);
  check_shows ("mm_stat", line);
  check_shows ("block_state",
               "           3            0.000000 s.....\n"
               "           7            0.000000 s.....\n"
               "          40            0.000000 ......\n"
               "         200            0.000000 ..h...\n");
  CHECK (attr_find ("idle")->store (disk, "all", line) == 0);
  check_shows ("block_state",
               "           3            0.000000 s.....\n"
               "           7            0.000000 s.....\n"
               "          40            0.000000 ...i..\n"
               "         200            0.000000 ..hi..\n");
  CHECK (zram_trim (disk, 4096, 40 * 4096) == 0);
  check_shows ("io_stat", "       0        0 0        1\n");
  check_shows ("notify_free", "1\n");
  zram_close (disk);
}

/* From a slot on, and so many lines. */
static void
test_block_state (void)
{
  struct zram_params p = { .size = 1 << 20, .track_access = true };
  struct strbuf t = STRBUF_INIT (10 * ATTR_LINE_MAX);
  unsigned char page[4096] = { 1 };
  unsigned i;

  begin (&p);
  for (i = 0; i < 256; i++)
    write_page (i, page);
  CHECK (attr_find ("block_state")->list (disk, 5, 3, &t) == 0);
  CHECK (t.len == 3 * ATTR_LINE_MAX);
  CHECK (matches (t.data, "^           5 +[0-9]+\\.000000 \\.{6}\n"));
  strbuf_cut (&t, 0);
  CHECK (attr_find ("block_state")->list (disk, 255, 100, &t) == 0);
  CHECK (t.len == ATTR_LINE_MAX);
  strbuf_cut (&t, 0);
  CHECK (attr_find ("block_state")->list (disk, UINT64_MAX, 100, &t) == 0);
  CHECK (attr_find ("block_state")->list (disk, 256, 100, &t) == 0);
  CHECK (t.len == 0);
  CHECK (attr_find ("block_state")->list (disk, 0, 100, &t) == -ENOBUFS);
  CHECK (t.len == t.max);
  strbuf_free (&t);
  zram_close (disk);
}

/* A leaf belongs to one shard, its neighbours to others. */
static void
test_block_state_shards (void)
{
  struct zram_params p = { .size = UINT64_C (1) << 40 };
  struct strbuf t = STRBUF_INIT (1 << 20);
  unsigned char page[4096] = { 1 };
  uint64_t slots[300], rng = 5, n = 0, i, at = 0;

  begin (&p);
  while (n < 300) {
    slots[n++] = at;
    write_page (at, page);
    at += 1 + (rng_below (&rng, 2) ? rng_below (&rng, 70)
               : rng_below (&rng, 1 << 20));
  }
  CHECK (attr_find ("block_state")->list (disk, 0, UINT64_MAX, &t) == 0);
  CHECK (t.len == n * ATTR_LINE_MAX);
  for (i = 0; i < n; i++)
    CHECK (strtoull (t.data + i * ATTR_LINE_MAX, NULL, 10)
           == slots[i]);
  strbuf_free (&t);
  zram_close (disk);
}

/* Values */

struct value {
  const char *attr, *value;
  const char *refused;          /* what the message must match, or NULL */
  const char *reads, *as;       /* and then this attribute shows that */
};

static const struct value values[] = {
  { "disksize", "2M", NULL, "disksize", "2097152\n" },
  { "disksize", "1M", NULL, "disksize", "1048576\n" },
  { "disksize", "0x200000", NULL, "disksize", "2097152\n" },
  { "disksize", "04000000", NULL, "disksize", "1048576\n" },
  { "disksize", "16T", NULL, "disksize", "17592186044416\n" },
  { "disksize", "2048k", NULL, "disksize", "2097152\n" },
  { "disksize", "512", NULL, "disksize", "512\n" },
  { "disksize", "1G", NULL, "disksize", "1073741824\n" },
  { "disksize", "", "not understood: must be a multiple of 512", NULL, NULL },
  { "disksize", "0", "'0' is too small: must be a multiple", NULL, NULL },
  { "disksize", "511", "'511' is too small", NULL, NULL },
  { "disksize", "513", "'513' is not a multiple.* 512 and 1024", NULL, NULL },
  { "disksize", "17T", "'17T' is too large: the maximum is 16T", NULL, NULL },
  { "disksize", "16E", "'16E' is too large", NULL, NULL },
  { "disksize", "99999999999999999999999", "is too large", NULL, NULL },
  { "disksize", "512MB", "'512MB' is not understood", NULL, NULL },
  { "disksize", "1G 2G", "'1G 2G' is not understood", NULL, NULL },
  { "disksize", "-1", "'-1' is not understood", NULL, NULL },
  { "disksize", "+1M", "is not understood", NULL, NULL },
  { "disksize", "1GB", "'1GB' is not understood.*not in KB", NULL, NULL },
  { "disksize", "1.5G", NULL, "disksize", "1610612736\n" },
  { "disksize", "1.3GiB", NULL, "disksize", "1395864064\n" },
  { "disksize", "0.5G", NULL, "disksize", "536870912\n" },
  { "disksize", "2048s", NULL, "disksize", "1048576\n" },
  { "disksize", "010K", NULL, "disksize", "8192\n" },
  { "disksize", "1M", NULL, "disksize", "1048576\n" },
  { "disksize", "010.5K", "'010.5K' is not understood", NULL, NULL },
  { "disksize", "50%", "'50%' is not understood", NULL, NULL },
  { "disksize", "08K", "'08K' is not understood", NULL, NULL },
  { "disksize", "1b", "'1b' is too small", NULL, NULL },
  { "disksize", " 1M", "is not understood", NULL, NULL },
  { "mem_limit", "8M", NULL, "mem_limit", "8388608\n" },
  { "mem_limit", "1", NULL, "mem_limit", "1\n" },
  { "mem_limit", "0", NULL, "mem_limit", "0\n" },
  { "mem_limit", "8E", "'8E' is too large", NULL, NULL },
  { "mem_limit", "0x10s", NULL, "mem_limit", "8192\n" },
  { "mem_limit", "1.5G", NULL, "mem_limit", "1610612736\n" },
  { "mem_limit", "1KB", "'1KB' is not understood.*not in KB", NULL, NULL },
  { "mem_limit", "0%", "'0%': .*from 1% to 100%", NULL, NULL },
  { "mem_limit", "101%", "'101%': .*from 1% to 100%", NULL, NULL },
  { "mem_limit", "12.5%", "'12.5%': .*whole number", NULL, NULL },
  { "mem_limit", "none", "'none' is not understood.*0 for no limit",
    NULL, NULL },
  { "mem_used_max", "0", NULL, NULL, NULL },
  { "mem_used_max", "00", "'00' cannot be set: must be 0", NULL, NULL },
  { "mem_used_max", "1", "'1' cannot be set: must be 0", NULL, NULL },
  { "compact", "1", NULL, NULL, NULL },
  { "compact", "", NULL, NULL, NULL },
  { "compact", "all", "'all' is not understood: must be 1", NULL, NULL },
  { "reset", "1", NULL, NULL, NULL },
  { "reset", "2", "'2' is not.*must be 1, or force", NULL, NULL },
  { "reset", "01", "'01' is not.*must be 1, or force", NULL, NULL },
  { "reset", "force", NULL, NULL, NULL },
  { "reset", "65536", "'65536' is not.*must be 1, or force", NULL, NULL },
  { "reset", "0", "'0' is not.*must be 1, or force", NULL, NULL },
  { "reset", "1x", "'1x' is not", NULL, NULL },
  { "reset", "", "must be 1", NULL, NULL },
  { "reset", "99999999999999999999", "is not understood", NULL, NULL },
  { "idle", "all", NULL, NULL, NULL },
  { "idle", "10", "'10': ages are not known.*track-access", NULL, NULL },
  { "idle", "0x10", "'0x10': ages are not known", NULL, NULL },
  { "idle", "99999999999999999999", "ages are not known", NULL, NULL },
  { "idle", "0", "'0' is not understood: must be all", NULL, NULL },
  { "idle", "ALL", "'ALL' is not understood: must be all", NULL, NULL },
  { "idle", "1m", "'1m' is not understood", NULL, NULL },
  { "comp_algorithm", "lzw", "'lzw' is not known: there are", NULL, NULL },
  { "comp_algorithm", "", "not known: there are", NULL, NULL },
  { "algorithm_params", "", "no parameters: there are algo=", NULL, NULL },
  { "algorithm_params", "level", "'level' is not KEY=VALUE", NULL, NULL },
  { "algorithm_params", "level=", "level=: the value is missing",
    NULL, NULL },
  { "algorithm_params", "=1", "there is no '' here: there are algo=",
    NULL, NULL },
  { "algorithm_params", "speed=1", "there is no 'speed' here", NULL, NULL },
  { "algorithm_params", "level=1 level=2", "level is given twice",
    NULL, NULL },
  { "algorithm_params", "level=1.5", "level='1.5' is not a whole number",
    NULL, NULL },
  { "algorithm_params", "priority=4", "priority='4': must be a number from 0 "
    "to 3", NULL, NULL },
  { "algorithm_params", "level=1 dict=/etc/passwd",
    "dict='/etc/passwd': no file is opened", NULL, NULL },
  { "algorithm_params", "deflate.winbits=15", "deflate.winbits='15'",
    NULL, NULL },
  { "algorithm_params", "algo=lzw", "'lzw' is not known", NULL, NULL },
#ifdef HAVE_ZSTD
  { "comp_algorithm", "zstd", NULL, "algorithm_params",
    "algo=zstd level=1\n" },
  { "algorithm_params", "level=19", NULL, "algorithm_params",
    "algo=zstd level=19\n" },
  { "algorithm_params", "priority=0 level=\"-3\"", NULL, "algorithm_params",
    "algo=zstd level=-3\n" },
  { "algorithm_params", "level=23", "level 23.*zstd", NULL, NULL },
  { "algorithm_params", "level=99999999999999999999", "out of range",
    "algorithm_params", "algo=zstd level=-3\n" },
  { "comp_algorithm", "zstd:19", NULL, "algorithm_params",
    "algo=zstd level=19\n" },
  { "comp_algorithm", "zstd:-7", NULL, "algorithm_params",
    "algo=zstd level=-7\n" },
  { "comp_algorithm", "zstd:23", "level 23.*zstd", NULL, NULL },
  { "comp_algorithm", "zstd:", "'zstd:': .*colon.*level", NULL, NULL },
  { "comp_algorithm", "zstd:x", "'zstd:x': .*colon.*level", NULL, NULL },
  { "comp_algorithm", "lzw:3", "'lzw' is not known", NULL, NULL },
  { "algorithm_params", "algo=zstd:4", NULL, "algorithm_params",
    "algo=zstd level=4\n" },
  { "algorithm_params", "level=5 algo=zstd:5", NULL, "algorithm_params",
    "algo=zstd level=5\n" },
  { "algorithm_params", "algo=zstd:3 level=5",
    "algo=zstd:3 contradicts level=5", "algorithm_params",
    "algo=zstd level=5\n" },
  { "algorithm_params", "level=6 algo=zstd:3",
    "algo=zstd:3 contradicts level=6", NULL, NULL },
  { "algorithm_params", "algo=zstd", NULL, "algorithm_params",
    "algo=zstd level=1\n" },
#endif
#ifdef HAVE_LZO
  { "comp_algorithm", "lzo-rle", NULL, "algorithm_params", "algo=lzo\n" },
  { "algorithm_params", "level=1", "lzo has no levels", NULL, NULL },
#endif
#ifdef HAVE_LZ4
  { "algorithm_params", "algo=lz4 level=7", NULL, "algorithm_params",
    "algo=lz4 level=7\n" },
  { "comp_algorithm", "lz4", NULL, "algorithm_params",
    "algo=lz4 level=1\n" },
#endif
};

static void
test_values (void)
{
  struct zram_params p = { .size = 1 << 20 };
  char message[ZRAM_MESSAGE_MAX];
  size_t i;

  begin (&p);
  for (i = 0; i < sizeof values / sizeof values[0]; i++) {
    const struct value *v = &values[i];
    int r;

    message[0] = '\0';
    r = attr_find (v->attr)->store (disk, v->value, message);
    if (!v->refused && r != 0)
      fail ("%s %s: %s", v->attr, v->value, message);
    if (v->refused && (r >= 0 || !matches (message, v->refused)))
      fail ("%s %s: returned %d and said '%s', should match '%s'", v->attr,
            v->value, r, message, v->refused);
    CHECK (!strchr (message, '\n'));
    if (v->reads)
      check_shows (v->reads, v->as);
  }
  zram_close (disk);
}

/* What mem-limit=N% is. */
static void
test_share_of_ram (void)
{
  uint64_t ram = (uint64_t) sysconf (_SC_PHYS_PAGES) *
                 (uint64_t) sysconf (_SC_PAGESIZE);
  struct zram_params p = { .size = 1 << 20 };
  char message[ZRAM_MESSAGE_MAX], expected[32];

  begin (&p);
  CHECK (attr_find ("mem_limit")->store (disk, "37%", message) == 0);
  snprintf (expected, sizeof expected, "%" PRIu64 "\n", ram * 37 / 100);
  check_shows ("mem_limit", expected);
  zram_close (disk);
}

/* The brackets go where the algorithm is. */
static void
test_algorithms (void)
{
  struct zram_params p = { .size = 1 << 20 };
  const struct zram_codec_info *info;
  char expected[256], message[ZRAM_MESSAGE_MAX];
  unsigned i, k;

  begin (&p);
  for (i = 0; (info = zram_codec_info (i)) != NULL; i++) {
    CHECK (attr_find ("comp_algorithm")->store (disk, info->name,
                                                message) == 0);
    expected[0] = '\0';
    for (k = 0; (info = zram_codec_info (k)) != NULL; k++)
      sprintf (expected + strlen (expected), i == k ? "[%s] " : "%s ",
               info->name);
    strcat (expected, "\n");
    check_shows ("comp_algorithm", expected);
  }
  zram_close (disk);
}

/* What would take data from clients, and what would not. */
static void
test_harm (void)
{
  struct zram_params p = { .size = 1 << 20 };
  const struct attr *size = attr_find ("disksize");
  const struct attr *reset = attr_find ("reset");

  begin (&p);
  CHECK (size->harms_clients (disk, "512K"));
  CHECK (size->harms_clients (disk, "0.5MiB"));
  CHECK (!size->harms_clients (disk, "1M"));
  CHECK (!size->harms_clients (disk, "2M"));
  CHECK (!size->harms_clients (disk, "junk"));
  CHECK (reset->harms_clients (disk, "1"));
  CHECK (!reset->harms_clients (disk, "force"));
  CHECK (!reset->harms_clients (disk, "0"));
  CHECK (!attr_find ("compact")->harms_clients);
  zram_close (disk);
}

static void
test_peak_and_shrink (void)
{
  struct zram_params p = { .size = 16 << 20 };
  char message[ZRAM_MESSAGE_MAX];
  unsigned char page[4096];
  struct zram_stats st;
  unsigned i;

  begin (&p);
  for (i = 0; i < 1024; i++) {
    page_make (page, sizeof page, sizeof page, i);
    write_page (i, page);
  }
  CHECK (attr_find ("disksize")->store (disk, "1M", message) == -EBUSY);
  CHECK (matches (message, "holds data beyond 1048576"));
  CHECK (zram_trim (disk, 15 << 20, 1 << 20) == 0);
  CHECK (attr_find ("disksize")->store (disk, "1M", message) == 0);
  check_shows ("disksize", "1048576\n");
  CHECK (attr_find ("compact")->store (disk, "1", message) == 0);
  st = disk_stats (disk);
  CHECK (st.mem_used_max > st.mem_used_total + (2 << 20));
  CHECK (attr_find ("mem_used_max")->store (disk, "0", message) == 0);
  st = disk_stats (disk);
  CHECK (st.mem_used_max == st.mem_used_total);
  zram_close (disk);
}

int
main (void)
{
  test_table ();
  test_empty ();
  test_wide ();
  test_contents ();
  test_block_state ();
  test_block_state_shards ();
  test_values ();
  test_share_of_ram ();
  test_algorithms ();
  test_harm ();
  test_peak_and_shrink ();
  return 0;
}
