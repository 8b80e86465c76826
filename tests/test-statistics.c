/* Test of control/statistics.c: every number of the statistics is in the
 * table once, what is said of it fits together, and the longest JSON is
 * no longer than there is room for.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <limits.h>
#include <string.h>

#include "../control/attr.h"
#include "../control/json.h"
#include "../control/report.h"
#include "../control/statistics.h"
#include "../ctl/client.h"
#include "disklib.h"

#define WORDS (sizeof (struct zram_stats) / sizeof (uint64_t))

/* Whoever adds a field to struct zram_stats gets to know of the table. */
static void
test_each_field (void)
{
  const size_t codecs = offsetof (struct zram_stats, codec);
  const size_t end = offsetof (struct zram_stats, coding) +
    sizeof ((struct zram_stats *) NULL)->coding;
  unsigned rows[WORDS] = { 0 };
  const struct statistic *s;
  size_t at;
  unsigned i;

  for (i = 0; (s = statistic_get (i)) != NULL; i++) {
    CHECK (s->offset % sizeof (uint64_t) == 0 && s->offset / 8 < WORDS);
    rows[s->offset / 8]++;
  }
  for (at = 0; at < sizeof (struct zram_stats); at += sizeof (uint64_t))
    if (rows[at / 8] != (at < codecs || at >= end))
      fail ("%u rows for the field at byte %zu", rows[at / 8], at);
}

static void
test_values (void)
{
  const struct statistic *s;
  struct zram_stats st;
  uint64_t words[WORDS];
  unsigned i;

  for (i = 0; i < WORDS; i++)
    words[i] = UINT64_MAX - i;
  memcpy (&st, words, sizeof st);
  for (i = 0; (s = statistic_get (i)) != NULL; i++)
    CHECK (statistic_value (s, &st) == UINT64_MAX - s->offset / 8);
}

/* No two at one place, and no place left out but the one column of io_stat
 * that is always 0.
 */
static void
test_places (void)
{
  static const struct { unsigned last, hole; } places[STATISTIC_TEXTS] = {
    [STATISTIC_METRICS] = { 52, 0 },
    [STATISTIC_MM_STAT] = { 9, 0 },
    [STATISTIC_IO_STAT] = { 4, 3 },
  };
  const struct statistic *s;
  unsigned text, place, i, there;

  for (text = 0; text < STATISTIC_TEXTS; text++) {
    for (i = there = 0; (s = statistic_get (i)) != NULL; i++)
      if (s->place[text]) {
        CHECK (statistic_at (text, s->place[text]) == s);
        CHECK (s->place[text] <= places[text].last);
        there++;
      }
    CHECK (there == places[text].last - (places[text].hole > 0));
    for (place = 1; place <= places[text].last; place++)
      CHECK (!statistic_at (text, place) == (place == places[text].hole));
    CHECK (!statistic_at (text, 0) && !statistic_at (text, place));
  }
}

static bool
ends (const char *name, const char *end)
{
  size_t n = strlen (name), m = strlen (end);

  return n >= m && strcmp (name + n - m, end) == 0;
}

/* The lines of one metric follow each other, its help first, and its name
 * says the unit and whether it can only grow, as Prometheus wants it.
 */
static void
test_metrics (void)
{
  char name[STATISTIC_NAME_MAX], before[STATISTIC_NAME_MAX] = "";
  const struct statistic *s;
  unsigned place;

  for (place = 1; (s = statistic_at (STATISTIC_METRICS, place)); place++) {
    CHECK (s->metric);
    statistic_metric (s, name);
    if (!s->help != (strcmp (name, before) == 0))
      fail ("%s comes after %s", name, before);
    CHECK (!s->help || s->help[strlen (s->help) - 1] == '.');
    CHECK (s->help || s->label);
    CHECK (ends (name, "_total") == (s->kind == STATISTIC_COUNTER));
    CHECK (strspn (name, "abcdefghijklmnopqrstuvwxyz_") == strlen (name));
    CHECK (*name != '_' && !strstr (name, "__"));
    strcpy (before, name);
  }
  statistic_metric (statistic_at (STATISTIC_METRICS, 1), name);
  CHECK (strcmp (name, "pages") == 0);
  statistic_metric (statistic_at (STATISTIC_METRICS, 2), name);
  CHECK (strcmp (name, "orig_bytes") == 0);
  statistic_metric (statistic_at (STATISTIC_METRICS, 19), name);
  CHECK (strcmp (name, "huge_pages_total") == 0);
}

/* What the table says of attributes is true. */
static void
test_attributes (void)
{
  const struct statistic *s;
  const struct attr *a;
  unsigned i, n = 0;

  for (i = 0; (s = statistic_get (i)) != NULL; i++)
    if (s->attr) {
      a = attr_find (s->attr);
      CHECK (a && !a->show && !a->list);
      CHECK (statistic_of_attr (s->attr) == s);
      n++;
    }
  CHECK (n == 11);
  CHECK (!statistic_of_attr ("disksize"));
}

/* Numbers as long as they can be: what a client reads of a device is not
 * longer than the server takes memory for.
 */
static void
test_longest (void)
{
  struct zram_params p = { .size = 1 << 20 };
  struct strbuf text = STRBUF_INIT (REPORT_MAX);
  struct zram_disk *disk = disk_open (&p);
  struct device_view view = { .disk = disk, .name = "zram0" };
  unsigned i, op, b;

  for (op = 0; op < ZRAM_OPS; op++) {
    struct latency_cell *c = &disk->latencies->cell[0][op];

    atomic_store (&c->sum_ns, UINT64_MAX);
    for (b = 0; b < ZRAM_LATENCY_BUCKETS; b++)
      atomic_store (&c->bucket[b], UINT64_MAX);
  }
  for (i = 0; i < STATS; i++)
    atomic_store (&disk->stats.cell[0].n[i], UINT64_MAX);
  disk->recompressor.tried = disk->recompressor.done = UINT64_MAX;
  disk->recompressor.gained = disk->recompressor.found = UINT64_MAX;
  disk->recompressor.handled = UINT64_MAX;
  for (i = 0; i < CODINGS_MAX; i++)
    disk->codings.coding[i].level = INT_MIN;
  for (i = 0; i < CODEC_MAX; i++) {
    counter_add (&disk->shards[0].n.store.arena.coding[i].pages, UINT64_MAX);
    counter_add (&disk->shards[0].n.store.arena.coding[i].bytes, UINT64_MAX);
  }
  CHECK (json_device (&view, &text) == 0);
  /* The counters above are half of those in it: as much again. */
  printf ("longest JSON of a device: %zu of %d\n", text.len, REPORT_MAX);
  CHECK (text.len > 15000 && text.len + 1024 <= REPORT_MAX);
  /* And nbdzramctl reads it of all devices that there can be. */
  CHECK ((DEVICES_MAX + 4) * REPORT_MAX < CLIENT_TEXT_MAX);
  strbuf_free (&text);
  for (i = 0; i < CODEC_MAX; i++) {
    counter_sub (&disk->shards[0].n.store.arena.coding[i].pages, UINT64_MAX);
    counter_sub (&disk->shards[0].n.store.arena.coding[i].bytes, UINT64_MAX);
  }
  zram_close (disk);
}

int
main (void)
{
  test_each_field ();
  test_values ();
  test_places ();
  test_metrics ();
  test_attributes ();
  test_longest ();
  return 0;
}
