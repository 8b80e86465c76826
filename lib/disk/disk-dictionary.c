/* nbdkit-zram: which dictionary new objects are written with.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdio.h>

#include "dictionary-train.h"
#include "dictionary-trial.h"
#include "disk.h"

/* Does the codec take it?  It is digested for that, and used once. */
static int
dictionary_check_use (const struct zram_params *p,
                      const struct coding_kind *kind)
{
  const struct layout layout =
    layout_for_page (p->page_size ? p->page_size : ZRAM_PAGE_MIN);
  struct coding_kind with = *kind;
  int r;

  with.dictionary = dictionary_new (p->dictionary_data, p->dictionary_bytes);
  if (!with.dictionary)
    return -ENOMEM;
  r = dictionary_try (&layout, &with);
  dictionary_drop (with.dictionary);
  return r;
}

int
disk_check_dictionary (const struct zram_params *p,
                       const struct coding_kind *kind,
                       char message[ZRAM_MESSAGE_MAX])
{
  const struct codec *codec = codec_get (kind->id);
  int r;

  if (p->dictionary != ZRAM_DICTIONARY_GIVEN)
    return 0;
  if (!dictionary_suits (kind->id))
    return refuse (message, "algo %s takes no dictionary: only zstd does",
                   codec->info.name);
  if (p->dictionary_bytes > ZRAM_DICTIONARY_MAX)
    return refuse (message, "the dictionary has %zu bytes: at most %zu are"
                   " taken", p->dictionary_bytes, ZRAM_DICTIONARY_MAX);
  if (!codec->dictionary_check (p->dictionary_data, p->dictionary_bytes))
    return refuse (message, "this is no dictionary of %s: zstd --train makes"
                   " one", codec->info.name);
  r = dictionary_check_use (p, kind);
  if (r == -ENOMEM)
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for the dictionary");
  else if (r < 0)
    return refuse (message, "%s cannot use this dictionary: it is damaged, or"
                   " too large for this level", codec->info.name);
  return r;
}

int
disk_make_dictionary (struct zram_disk *d, const struct zram_params *p)
{
  d->dictionary = p->dictionary;
  if (d->dictionary != ZRAM_DICTIONARY_GIVEN)
    return 0;
  d->given = dictionary_new (p->dictionary_data, p->dictionary_bytes);
  if (!d->given)
    return -ENOMEM;
  d->given->owned = true;
  account_force (&d->account, ACCOUNT_OTHER,
                 dictionary_held (d->given->bytes));
  return 0;
}

void
disk_free_dictionary (struct zram_disk *d)
{
  dictionary_drop (d->given);
}

struct dictionary *
disk_dictionary (struct zram_disk *d, unsigned id)
{
  if (d->given)
    return dictionary_suits (id) ? d->given : NULL;
  return dictionary_job_for (&d->dictionary_job, id);
}

enum zram_dictionary
zram_dictionary (const struct zram_disk *d)
{
  return d->dictionary;
}

const char *
zram_dictionary_says (const struct zram_disk *d)
{
  unsigned now = atomic_load (&d->codings.now);
  unsigned id = atomic_load (&d->codings.coding[now].id);

  if (!d->given)
    return dictionary_job_says (&d->dictionary_job);
  return dictionary_suits (id) ? "in use"
    : "none: the algorithm takes no dictionary";
}
