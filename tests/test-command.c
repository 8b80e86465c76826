/* Test of the commands of the control export and of the names of exports:
 * a million inputs, most of them nearly right, to see that none crashes
 * the server, opens what it must not, or leaves something half done.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * It is the code of control/ and of the engine, without nbdkit.  INPUTS=n
 * and SEED=n as in the environment; ZRAM_SOAK=1 runs fifty times as many.
 */

#include <config.h>

#include <errno.h>

#include "disklib.h"
#include "../control/command.h"
#include "../control/devices.h"
#include "../control/quote.h"
#include "../control/export-name.h"
#include "../control/text-copy.h"

static uint64_t rng;
static uint64_t ok, refused, opened;

/* Words of the grammar, and what is nearly one. */
static const char *const words[] = {
  "show", "hot_add", "hot_remove", "help", "zram0", "zram1", "zram2",
  "zram3", "zram63", "zram64", "zram00", "zram", "zram-1", "control",
  "disksize", "initstate", "reset", "compact", "comp_algorithm",
  "algorithm_params", "mem_limit", "mem_used_max", "idle", "mm_stat",
  "io_stat", "block_state", "stats.json", "metrics", "debug_stat",
  "0", "1", "2", "3", "63", "64", "-1", "00", "force", "all", "4096",
  "512", "1M", "64K", "0x1000", "16T", "17T", "16E", "1e3", "1MB", "%",
  "lz4", "zstd", "lzo", "lzo-rle", "842", "deflate", "lz4hc", "lzw",
  "size=1M", "size=16T", "size=0", "size=", "size", "=1", "=", "algo=lz4",
  "algo=zstd", "algo=", "level=1", "level=\"1\"", "level=\"", "level=22",
  "level=99999999999999999999", "level=-5", "page-size=64K",
  "page_size=4K", "page-size=5", "mem-limit=1%", "mem_limit=64M",
  "mem-limit=1K", "track-access=true", "track-access=maybe", "priority=0",
  "priority=9", "dict=/etc/passwd", "deflate.winbits=9", "devices=2",
  "control=rw", "device=zram0", "\x1b[2J", "caf\xc3\xa9", "%s%n", "\\",
};
#define NWORDS (sizeof words / sizeof words[0])

static const char *
word (void)
{
  return words[rng_below (&rng, NWORDS)];
}

static void
damage (char *buf, size_t n)
{
  size_t i, k = 1 + rng_below (&rng, 3);

  for (i = 0; n && i < k; i++) {
    char *p = &buf[rng_below (&rng, n)];

    if (rng_below (&rng, 2))
      *p = (char) rng_next (&rng);
    else
      *p = " \t\n\0=/\"0a"[rng_below (&rng, 10)];
  }
}

/* A command that could be right. */
static size_t
make_sentence (char *buf)
{
  static const struct {
    const char *attr, *values[6];
  } good[] = {
    { "disksize", { "1M", "2M", "0x100000", "64K", "1G", "16M" } },
    { "mem_limit", { "0", "1G", "0x10000000", "64M", "1E", "010" } },
    { "mem_used_max", { "0", "0", "0", "0", "0", "1" } },
    { "reset", { "1", "2", "force", "65535", "0", "" } },
    { "compact", { "1", "", "1", "1", "1", "x" } },
    { "idle", { "all", "5", "0x10", "all", "all", "-1" } },
    { "comp_algorithm", { "lz4", "zstd", "lzo", "842", "lzo-rle", "x" } },
    { "algorithm_params", { "algo=zstd level=3", "level=2", "algo=lz4",
                            "priority=0", "level=\"1\"", "dict=a" } },
  };
  const struct attr *a;
  unsigned n;

  switch (rng_below (&rng, 16)) {
  case 0:
    return (size_t) sprintf (buf, "hot_add size=%uK %s",
                             (unsigned) rng_below (&rng, 9), word ());
  case 1:
    return (size_t) sprintf (buf, "hot_remove %u",
                             (unsigned) rng_below (&rng, 5));
  case 2: case 3: case 4:
    while (!(a = attr_get ((unsigned) rng_below (&rng, 32))))
      ;
    return (size_t) sprintf (buf, "show zram%u %s",
                             (unsigned) rng_below (&rng, 4), a->name);
  default:
    n = (unsigned) rng_below (&rng, sizeof good / sizeof good[0]);
    return (size_t) sprintf (buf, "zram%u %s %s",
                             (unsigned) rng_below (&rng, 4), good[n].attr,
                             good[n].values[rng_below (&rng, 6)]);
  }
}

/* Something to write.  Its length. */
static size_t
make_input (char *buf, size_t size)
{
  static const char *const spaces[] = { " ", " ", " ", " ", "  ", "\t" };
  static const char ends[][4] = { "", "\n", "\n\0", "\0\0", "\n\n", "\r\n" };
  size_t n = 0, i, k = 1 + rng_below (&rng, 5);

  switch (rng_below (&rng, 64)) {
  case 0:                       /* binary */
    n = rng_below (&rng, 200);
    for (i = 0; i < n; i++)
      buf[i] = (char) rng_next (&rng);
    return n;
  case 1:                       /* about as long as a command may be */
    n = COMMAND_MAX - 2 + rng_below (&rng, 5);
    memset (buf, "x 1="[rng_below (&rng, 4)], n);
    memcpy (buf, "zram0 idle ", 11);
    return n;
  case 2:                       /* many words */
    k = 25 + rng_below (&rng, 15);
    break;
  }
  if (k < 5 && rng_below (&rng, 4) == 0)
    n = make_sentence (buf);
  else for (i = 0; i < k && n + 64 < size; i++)
    n += (size_t) sprintf (buf + n, "%s%s",
                           i ? spaces[rng_below (&rng, 6)] : "", word ());
  k = rng_below (&rng, 6);
  memcpy (buf + n, ends[k], 2);
  n += k == 0 ? 0 : k == 1 ? 1 : 2;
  if (rng_below (&rng, 8) == 0)
    damage (buf, n);
  return n;
}

/* The answer is text, and says how it went. */
static void
check_answer (const struct strbuf *a, int r, const char *input)
{
  size_t i;

  if (a->error || !a->data || a->len < 3)
    fail ("no answer to %.100s", input);
  if (r == 0 ? strncmp (a->data, "ok\n", 3) != 0
      : strncmp (a->data, "error: ", 7) != 0)
    fail ("%d, but the answer to '%.100s' is %.300s", r, input, a->data);
  CHECK (a->data[a->len - 1] == '\n' && a->data[a->len] == '\0');
  for (i = 0; i < a->len; i++)
    if (a->data[i] != '\n' && (a->data[i] < ' ' || a->data[i] > '~'))
      fail ("the answer to '%.100s' has the byte \\x%02x", input,
            (unsigned char) a->data[i]);
  if (r < 0 && strchr (a->data, '\n') != a->data + a->len - 1)
    fail ("more than a line: %.300s", a->data);
}

static void
run_input (void)
{
  char made[COMMAND_MAX + 256], *exact;
  struct strbuf answer = STRBUF_INIT (256 * 1024);
  size_t n = make_input (made, sizeof made);
  int r;

  /* On the heap, so that a sanitizer sees one byte too many. */
  exact = malloc (n ? n : 1);
  CHECK (exact);
  memcpy (exact, made, n);
  made[n] = '\0';
  r = command_run (exact, n, &answer);
  check_answer (&answer, r, made);
  *(r == 0 ? &ok : &refused) += 1;
  strbuf_free (&answer);
  free (exact);
}

static void
run_name (void)
{
  static const char *const parts[] = {
    "zram0", "zram1", "zram9", "zram63", "zram64", "/", "/", "/", "mm_stat",
    "block_state", "block_state/", "0", "17", "999999999999999",
    "9999999999999999", "stats.json", "metrics", "control", "reset", "..",
    "%2f", "\n", "\x1b", "caf\xc3\xa9", "etc/passwd",
  };
  struct export_name name;
  char text[512] = "", safe[QUOTE_MAX];
  size_t i, k = rng_below (&rng, 6);
  struct text_copy s;

  for (i = 0; i < k; i++)
    strcat (text, parts[rng_below (&rng, sizeof parts / sizeof parts[0])]);
  if (rng_below (&rng, 8) == 0)
    damage (text, strlen (text));
  quote (text, safe);
  for (i = 0; safe[i]; i++)
    CHECK (safe[i] >= ' ' && safe[i] <= '~');
  if (!export_name_parse (text, &name))
    return;
  CHECK (name.device < DEVICES_MAX);
  CHECK (name.type != EXPORT_ATTR || name.attr->mode & ATTR_READ);
  opened++;
  if (name.type == EXPORT_ATTR && 
      !text_copy_take (&s, &name, ASKER_READER)) {
    CHECK (!s.text.error && s.charged == s.text.len);
    text_copy_free (&s);
  }
}

/* Devices come and go by command; too many would only slow it down. */
static void
tidy_up (void)
{
  struct device *devices[DEVICES_MAX];
  char message[ZRAM_MESSAGE_MAX];
  unsigned i, n = devices_get (devices);

  for (i = 0; i < n; i++) {
    unsigned number = devices[i]->number;

    disk_recount (devices[i]->disk);
    CHECK (zram_size (devices[i]->disk) % 512 == 0);
    CHECK (devices[i]->refs == 2 && devices[i]->clients == 0 &&
           !devices[i]->alone);
    device_put (devices[i]);
    if (number > 2)
      CHECK (device_remove (number, message) == 0);
  }
}

/* zram0 and zram1 are there, unless a command took them. */
static void
fill_up (void)
{
  struct zram_params p = { .size = 1 << 20, .algo = zram_codec_default () };
  char message[ZRAM_MESSAGE_MAX];
  unsigned char page[4096];
  struct device *dev;
  unsigned i, number;

  for (i = 0; i < 2; i++) {
    dev = device_get (i);
    if (!dev) {
      CHECK (device_add (&p, &number, message) == 0);
      dev = device_get (i);
      CHECK (dev);
    }
    page_make (page, sizeof page, 700, rng_next (&rng));
    zram_pwrite (dev->disk, page, sizeof page, rng_below (&rng, 16) * 4096);
    device_put (dev);
  }
}

int
main (void)
{
  uint64_t inputs = env_number ("INPUTS", 1000000), i;

  rng = env_number ("SEED", (uint64_t) time (NULL));
  printf ("SEED=%" PRIu64 "\n", rng);
  if (getenv ("ZRAM_SOAK"))
    inputs *= 50;
  if (SANITIZED)
    inputs /= 10;
  for (i = 0; i < inputs; i++) {
    if (i % 200 == 0) {
      tidy_up ();
      fill_up ();
    }
    if (i % 4 == 3)
      run_name ();
    else
      run_input ();
  }
  tidy_up ();
  devices_free ();
  printf ("%" PRIu64 " inputs: %" PRIu64 " commands done, %" PRIu64
          " refused; %" PRIu64 " names of exports\n", inputs, ok, refused,
          opened);
  /* It has come past the first word. */
  CHECK (ok > inputs / 50 && refused > inputs / 4 &&
         opened > inputs / 1000);
  return 0;
}
