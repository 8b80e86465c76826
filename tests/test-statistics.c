/* Test of control/statistics.c: every number of the statistics is in the
 * table once, and what is said of it fits together.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <string.h>

#include "../control/attr.h"
#include "../control/statistics.h"
#include "disklib.h"

#define WORDS (sizeof (struct zram_stats) / sizeof (uint64_t))

/* Whoever adds a field to struct zram_stats gets to know of the table. */
static void
test_each_field (void)
{
  const size_t codecs = offsetof (struct zram_stats, codec);
  const size_t end = codecs + sizeof ((struct zram_stats *) NULL)->codec;
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
    [STATISTIC_METRICS] = { 34, 0 },
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

int
main (void)
{
  test_each_field ();
  test_values ();
  test_places ();
  test_metrics ();
  test_attributes ();
  return 0;
}
