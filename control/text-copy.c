/* nbdkit-zram: text for clients to read, and the memory for it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "devices.h"
#include "os.h"
#include "text-copy.h"

#define MIB ((size_t) 1 << 20)

/* Listings have memory of their own, so that those who read them cannot
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

/* Texts above this size are left as they are: they have pages of their own,
 * and those that are not used were never touched.
 */
#define FIT_MAX MIB

static const char *
text_copy_begin (struct text_copy *t, enum kind kind, enum asker asker,
                 size_t max)
{
  _Atomic size_t *budget = &used[asker][kind];
  size_t now = atomic_load (budget);

  *t = (struct text_copy) { .text = STRBUF_INIT (max) };
  do {
    if (max > most[kind] - now)
      return too_many[asker];
  } while (!atomic_compare_exchange_weak (budget, &now, now + max));
  t->budget = budget;
  t->charged = max;
  return NULL;
}

const char *
text_copy_start (struct text_copy *t, enum asker asker, size_t max)
{
  return text_copy_begin (t, ANSWER, asker, max);
}

/* Give back the room that a text does not use: it has up to twice what it
 * needs, and most texts are small.
 */
static void
text_copy_fit (struct strbuf *t)
{
  char *data;

  if (!t->data || t->room > FIT_MAX || !(data = os_alloc (t->len + 1)))
    return;
  memcpy (data, t->data, t->len + 1);
  os_free (t->data, t->room);
  t->data = data;
  t->room = t->len + 1;
}

/* Charge what the text has in the end. */
void
text_copy_end (struct text_copy *t)
{
  text_copy_fit (&t->text);
  atomic_fetch_sub (t->budget, t->charged - t->text.len);
  t->charged = t->text.len;
}

void
text_copy_free (struct text_copy *t)
{
  strbuf_free (&t->text);
  if (t->budget)
    atomic_fetch_sub (t->budget, t->charged);
  *t = (struct text_copy) { .budget = NULL };
}

/* List with room for as many lines as there are pages now, and some more that
 * may be written meanwhile.
 */
static const char *
text_copy_list (struct text_copy *t, const struct attr *a,
                struct device *dev, uint64_t from, enum asker asker)
{
  struct zram_stats st;
  const char *why;
  uint64_t lines;

  zram_stats (dev->disk, &st);
  lines = st.pages_stored + 1024;
  if (lines > TEXT_COPY_LINES)
    lines = TEXT_COPY_LINES;
  why = text_copy_begin (t, LISTING, asker, lines * ATTR_LINE_MAX);
  if (!why)
    a->list (dev->disk, from, lines, &t->text);
  /* A listing may be cut: who wants more begins at another page. */
  if (t->text.error == -ENOBUFS)
    t->text.error = 0;
  return why;
}

static const char *
text_copy_show (struct text_copy *t, const struct attr *a,
                struct device *dev, enum asker asker)
{
  const char *why = text_copy_begin (t, STATISTICS, asker, REPORT_MAX);
  struct device_view view = device_look (dev);

  if (!why)
    attr_show (a, &view, &t->text);
  return why;
}

static const char *
text_copy_attr (struct text_copy *t, const struct export_name *name,
                enum asker asker)
{
  struct device *dev = device_get (name->device);
  const char *why;

  if (!dev)
    return "there is no such device";
  why = name->attr->list
    ? text_copy_list (t, name->attr, dev, name->from, asker)
    : text_copy_show (t, name->attr, dev, asker);
  device_put (dev);
  return why;
}

static const char *
text_copy_report (struct text_copy *t, const struct export_name *name,
                  enum asker asker)
{
  struct device *devices[DEVICES_MAX];
  unsigned i, n = devices_get (devices);
  const char *why;

  for (i = 0; i < n; i++)
    device_put (devices[i]);
  /* Devices may be added meanwhile. */
  why = text_copy_begin (t, STATISTICS, asker, (n + 4) * REPORT_MAX);
  if (!why)
    name->report->add (&t->text);
  return why;
}

const char *
text_copy_take (struct text_copy *t, const struct export_name *name,
                enum asker asker)
{
  const char *why = "this is no text";

  *t = (struct text_copy) { .budget = NULL };
  if (name->type == EXPORT_ATTR)
    why = text_copy_attr (t, name, asker);
  else if (name->type == EXPORT_REPORT)
    why = text_copy_report (t, name, asker);
  if (!why && t->text.error)
    why = "no memory left in the system";
  if (why)
    text_copy_free (t);
  else
    text_copy_end (t);
  return why;
}
