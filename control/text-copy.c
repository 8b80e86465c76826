/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "devices.h"
#include "metrics.h"
#include "os.h"
#include "text-copy.h"

#define MIB ((size_t) 1 << 20)

/* The listing of pages has its own, so that those who read it cannot
 * keep others from reading statistics.
 */
enum kind { LISTING, STATISTICS, ANSWER, N_KINDS };
static const size_t most[N_KINDS] = {
  [LISTING] = 96 * MIB,
  [STATISTICS] = 32 * MIB,
  [ANSWER] = 16 * MIB,
};
static _Atomic size_t used[N_ASKERS][N_KINDS];

static const char *const too_many[N_ASKERS] = {
  [ASKER_READER] = "too many clients that may only read hold such texts:"
    " try again when they have closed some",
  [ASKER_WRITER] = "too many clients that may write hold such texts:"
    " try again when they have closed some",
  [ASKER_OWNER] = "too many clients of root or the server's user hold such"
    " texts: try again when they have closed some",
};

/* What an attribute of one line, or of one device, has at most. */
#define ATTR_MAX STATS_TEXT_MAX

/* Larger texts have pages of their own, of which nothing is touched that is
 * not used.
 */
#define FIT_MAX MIB

static const char *
start (struct text_copy *s, enum kind kind, enum asker asker, size_t max)
{
  _Atomic size_t *budget = &used[asker][kind];
  size_t now = atomic_load (budget);

  *s = (struct text_copy) { .text = STRBUF_INIT (max) };
  do {
    if (max > most[kind] - now)
      return too_many[asker];
  } while (!atomic_compare_exchange_weak (budget, &now, now + max));
  s->budget = budget;
  s->charged = max;
  return NULL;
}

const char *
text_copy_start (struct text_copy *s, enum asker asker, size_t max)
{
  return start (s, ANSWER, asker, max);
}

/* A text has up to twice the room that it needs, and most are small. */
static void
fit (struct strbuf *t)
{
  char *data;

  if (!t->data || t->room > FIT_MAX || !(data = os_alloc (t->len + 1)))
    return;
  memcpy (data, t->data, t->len + 1);
  os_free (t->data, t->room);
  t->data = data;
  t->room = t->len + 1;
}

/* The text is at its end, and as long as it is. */
void
text_copy_end (struct text_copy *s)
{
  fit (&s->text);
  atomic_fetch_sub (s->budget, s->charged - s->text.len);
  s->charged = s->text.len;
}

void
text_copy_free (struct text_copy *s)
{
  strbuf_free (&s->text);
  if (s->budget)
    atomic_fetch_sub (s->budget, s->charged);
  *s = (struct text_copy) { .budget = NULL };
}

/* As many lines as there are pages now, and some that may come. */
static const char *
take_block_state (struct text_copy *s, struct device *dev, uint64_t from,
                  enum asker asker)
{
  struct zram_stats st;
  const char *why;
  uint64_t lines;

  zram_stats (dev->disk, &st);
  lines = st.pages_stored + 1024;
  if (lines > BLOCK_STATE_LINES)
    lines = BLOCK_STATE_LINES;
  why = start (s, LISTING, asker, lines * ATTR_BLOCK_STATE_LINE);
  if (!why)
    attr_block_state (dev->disk, from, lines, &s->text);
  /* Full is no error. */
  if (s->text.error == -ENOBUFS)
    s->text.error = 0;
  return why;
}

static const char *
take_attr (struct text_copy *s, const struct export_name *name,
           enum asker asker)
{
  struct device *dev = device_get (name->device);
  struct device_view about;
  const char *why;

  if (!dev)
    return "there is no such device";
  if (strcmp (name->attr->name, "block_state") == 0)
    why = take_block_state (s, dev, name->from, asker);
  else {
    why = start (s, STATISTICS, asker, ATTR_MAX);
    about = device_view (dev);
    if (!why)
      name->attr->show (&about, &s->text);
  }
  device_put (dev);
  return why;
}

static const char *
take_all (struct text_copy *s, int (*add) (struct strbuf *text),
          enum asker asker)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);
  const char *why;

  for (i = 0; i < n; i++)
    device_put (devices[i]);
  /* Some may be added now. */
  why = start (s, STATISTICS, asker, (n + 4) * STATS_TEXT_MAX);
  if (!why)
    add (&s->text);
  return why;
}

const char *
text_copy_take (struct text_copy *s, const struct export_name *name,
                enum asker asker)
{
  const char *why = "this is no text";

  *s = (struct text_copy) { .budget = NULL };
  if (name->type == EXPORT_ATTR)
    why = take_attr (s, name, asker);
  else if (name->type == EXPORT_JSON || name->type == EXPORT_CONTROL)
    why = take_all (s, stats_json, asker);
  else if (name->type == EXPORT_METRICS)
    why = take_all (s, stats_metrics, asker);
  if (!why && s->text.error)
    why = "no memory left in the system";
  if (why)
    text_copy_free (s);
  else
    text_copy_end (s);
  return why;
}
