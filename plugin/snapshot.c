/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "devices.h"
#include "metrics.h"
#include "snapshot.h"

#define MIB ((size_t) 1 << 20)

/* The listing of pages has its own, so that those who read it cannot
 * keep others from reading statistics; and answers to commands theirs, so
 * that nobody who may only read can keep those out who may write.
 */
struct budget {
  _Atomic size_t used;
  size_t max;
};
static struct budget listings = { .max = 128 * MIB };
static struct budget statistics = { .max = 32 * MIB };
static struct budget answers = { .max = 32 * MIB };

/* What an attribute of one line, or of one device, has at most. */
#define ATTR_MAX STATS_TEXT_MAX

static const char *
start (struct snapshot *s, struct budget *b, size_t max)
{
  size_t used = atomic_load (&b->used);

  *s = (struct snapshot) { .text = TEXT_INIT (max) };
  do {
    if (max > b->max - used)
      return "too many clients read such texts at once: try again when"
        " others have closed theirs";
  } while (!atomic_compare_exchange_weak (&b->used, &used, used + max));
  s->budget = b;
  s->charged = max;
  return NULL;
}

const char *
snapshot_start (struct snapshot *s, size_t max)
{
  return start (s, &answers, max);
}

/* The text is at its end, and as long as it is. */
void
snapshot_end (struct snapshot *s)
{
  atomic_fetch_sub (&s->budget->used, s->charged - s->text.len);
  s->charged = s->text.len;
}

void
snapshot_free (struct snapshot *s)
{
  text_free (&s->text);
  if (s->budget)
    atomic_fetch_sub (&s->budget->used, s->charged);
  *s = (struct snapshot) { .budget = NULL };
}

/* As many lines as there are pages now, and some that may come. */
static const char *
take_block_state (struct snapshot *s, struct device *dev, uint64_t from)
{
  struct zram_stats st;
  const char *why;
  uint64_t lines;

  zram_stats (dev->disk, &st);
  lines = st.pages_stored + 1024;
  if (lines > BLOCK_STATE_LINES)
    lines = BLOCK_STATE_LINES;
  why = start (s, &listings, lines * ZRAM_BLOCK_STATE_LINE);
  if (!why)
    zram_block_state (dev->disk, from, lines, &s->text);
  /* Full is no error. */
  if (s->text.error == -ENOBUFS)
    s->text.error = 0;
  return why;
}

static const char *
take_attr (struct snapshot *s, const struct export_name *name)
{
  struct device *dev = device_get (name->device);
  struct zram_device about;
  const char *why;

  if (!dev)
    return "there is no such device";
  if (strcmp (name->attr->name, "block_state") == 0)
    why = take_block_state (s, dev, name->from);
  else {
    why = start (s, &statistics, ATTR_MAX);
    about = device_about (dev);
    if (!why)
      name->attr->show (&about, &s->text);
  }
  device_put (dev);
  return why;
}

static const char *
take_all (struct snapshot *s, int (*add) (struct text *text))
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);
  const char *why;

  for (i = 0; i < n; i++)
    device_put (devices[i]);
  /* Some may be added now. */
  why = start (s, &statistics, (n + 4) * STATS_TEXT_MAX);
  if (!why)
    add (&s->text);
  return why;
}

const char *
snapshot_take (struct snapshot *s, const struct export_name *name)
{
  const char *why = "this is no text";

  *s = (struct snapshot) { .budget = NULL };
  if (name->type == EXPORT_ATTR)
    why = take_attr (s, name);
  else if (name->type == EXPORT_JSON || name->type == EXPORT_CONTROL)
    why = take_all (s, stats_json);
  else if (name->type == EXPORT_METRICS)
    why = take_all (s, stats_metrics);
  if (!why && s->text.error)
    why = "no memory left in the system";
  if (why)
    snapshot_free (s);
  else
    snapshot_end (s);
  return why;
}
