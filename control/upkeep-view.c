/* nbdkit-zram: what upkeep does, in words.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "upkeep-view.h"

static const char *const stages[ZRAM_UPKEEP_STAGES] = { "idle", "cold" };

/* "1 h 40 min" */
static void
view_time (uint64_t seconds, char buf[UPKEEP_VIEW_MAX])
{
  uint64_t minutes = seconds / 60, hours = minutes / 60;

  if (hours && minutes % 60)
    snprintf (buf, UPKEEP_VIEW_MAX, "%" PRIu64 " h %" PRIu64 " min", hours,
              minutes % 60);
  else if (hours)
    snprintf (buf, UPKEEP_VIEW_MAX, "%" PRIu64 " h", hours);
  else if (minutes)
    snprintf (buf, UPKEEP_VIEW_MAX, "%" PRIu64 " min", minutes);
  else
    snprintf (buf, UPKEEP_VIEW_MAX, "%" PRIu64 " s", seconds);
}

/* What to say of the value of a state. */
typedef void phrase_fn (const struct zram_disk *disk, uint64_t value,
                        char buf[UPKEEP_VIEW_MAX]);

static void
phrase_works (const struct zram_disk *disk, uint64_t stage,
              char buf[UPKEEP_VIEW_MAX])
{
  (void) disk;
  snprintf (buf, UPKEEP_VIEW_MAX, "recompresses %s pages",
            stages[stage % ZRAM_UPKEEP_STAGES]);
}

static void
phrase_little (const struct zram_disk *disk, uint64_t bytes,
               char buf[UPKEEP_VIEW_MAX])
{
  snprintf (buf, UPKEEP_VIEW_MAX, "waits: %" PRIu64 "K are stored, and at"
            " least %" PRIu64 "K are needed", bytes / 1024,
            zram_upkeep (disk).n[ZRAM_UPKEEP_LEAST] / 1024);
}

static void
phrase_idle (const struct zram_disk *disk, uint64_t seconds,
             char buf[UPKEEP_VIEW_MAX])
{
  char time[UPKEEP_VIEW_MAX];

  (void) disk;
  view_time (seconds, time);
  snprintf (buf, UPKEEP_VIEW_MAX, "waits: no more pages are idle for %.40s",
            time);
}

static void
phrase_paused (const struct zram_disk *disk, uint64_t percent,
               char buf[UPKEEP_VIEW_MAX])
{
  (void) disk;
  snprintf (buf, UPKEEP_VIEW_MAX, "paused: CPU pressure %" PRIu64 "%%",
            percent);
}

static void
phrase_memory (const struct zram_disk *disk, uint64_t error,
               char buf[UPKEEP_VIEW_MAX])
{
  (void) disk;
  snprintf (buf, UPKEEP_VIEW_MAX, "waits: no memory to work with (%s)",
            strerror ((int) error));
}

/* The phrase, where it is not the same always. */
static const struct {
  const char *word, *always;
  phrase_fn *phrase;
} states[ZRAM_UPKEEP_STATES] = {
  [ZRAM_UPKEEP_OFF] = { "off", "off: upkeep=off", NULL },
  [ZRAM_UPKEEP_OFF_SWAP] = { "off-swap", "off: swap=true", NULL },
  [ZRAM_UPKEEP_OFF_CODEC] = { "off-codec", "off: this build has no zstd",
                              NULL },
  [ZRAM_UPKEEP_OFF_THREAD] = { "off-thread", "off: its thread does not run",
                               NULL },
  [ZRAM_UPKEEP_WORKS] = { "works", NULL, phrase_works },
  [ZRAM_UPKEEP_WAITS_LITTLE] = { "waits-little", NULL, phrase_little },
  [ZRAM_UPKEEP_WAITS_IDLE] = { "waits-idle", NULL, phrase_idle },
  [ZRAM_UPKEEP_PAUSED] = { "paused", NULL, phrase_paused },
  [ZRAM_UPKEEP_NO_MEMORY] = { "no-memory", NULL, phrase_memory },
};

const char *
upkeep_view_word (enum zram_upkeep_state state)
{
  return states[state].word;
}

static void
view_now (const struct zram_disk *disk, const struct zram_upkeep_report *r,
          char buf[UPKEEP_VIEW_MAX])
{
  if (states[r->state].always)
    snprintf (buf, UPKEEP_VIEW_MAX, "%s", states[r->state].always);
  else
    states[r->state].phrase (disk, r->value, buf);
}

void
upkeep_view_now (const struct zram_disk *disk, char buf[UPKEEP_VIEW_MAX])
{
  struct zram_upkeep_report r;

  zram_upkeep_report (disk, &r);
  view_now (disk, &r, buf);
}

static void
view_last (const struct zram_upkeep_report *r, struct strbuf *text)
{
  char time[UPKEEP_VIEW_MAX];

  if (!r->any) {
    strbuf_printf (text, "last: nothing yet\n");
    return;
  }
  view_time (r->ago, time);
  strbuf_printf (text, "last: %" PRIu64 " of %" PRIu64 " %s pages became"
                 " smaller by %" PRIu64 " bytes, %s ago\n", r->done, r->tried,
                 stages[r->stage % ZRAM_UPKEEP_STAGES], r->gained, time);
}

int
upkeep_view_show (const struct device_view *view, struct strbuf *text)
{
  struct zram_upkeep_report r;
  char now[UPKEEP_VIEW_MAX];
  struct zram_stats st;

  zram_upkeep_report (view->disk, &r);
  zram_stats (view->disk, &st);
  view_now (view->disk, &r, now);
  strbuf_printf (text, "now: %s\n", now);
  view_last (&r, text);
  return strbuf_printf (text, "gained: %" PRIu64 " bytes, of %" PRIu64
                        " idle and %" PRIu64 " cold pages, for %" PRIu64
                        " ms of processor time\n", st.upkeep_gained,
                        st.upkeep_idle_pages, st.upkeep_cold_pages,
                        st.upkeep_cpu_ms);
}
