/* nbdkit-zram: the codec of new objects, changed while a disk is in use.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdio.h>

#include "coding-change.h"
#include "disk.h"

/* With the dictionary there is, or if that leaves no room with none. */
static int
codec_switch (struct zram_disk *d, struct coding_kind *kind)
{
  struct dictionary *dictionary = disk_dictionary (d, kind->id);
  int r;

  /* It may be one that no object needs: the switch frees those. */
  kind->dictionary = dictionary_share (dictionary);
  r = codings_switch (&d->parts, kind);
  if (r < 0 && kind->dictionary) {
    kind->dictionary = NULL;
    r = codings_switch (&d->parts, kind);
  }
  if (r == 0)
    dictionary_job_changed (&d->dictionary_job);
  dictionary_drop (dictionary);
  return r;
}

int
zram_set_algorithm (struct zram_disk *d, const char *algo, bool has_level,
                    int level, char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = {
    .size = disk_size (d), .page_size = d->layout.page, .algo = algo,
    .has_level = has_level, .level = level,
  };
  struct coding_kind kind;
  int r;

  r = zram_params_check (&p, message);
  if (r < 0)
    return r;
  kind = disk_kind (&p);
  pthread_mutex_lock (&d->change);
  r = codec_switch (d, &kind);
  if (r == 0)
    reserve_touch_codecs (&d->reserve);
  pthread_mutex_unlock (&d->change);
  if (r == -EBUSY)
    snprintf (message, ZRAM_MESSAGE_MAX, "%s cannot be added: there are"
              " objects of %u algorithms and levels, which is the most; use"
              " one of them, or discard data", algo, CODINGS_MAX);
  else if (r == -ENOSPC)
    snprintf (message, ZRAM_MESSAGE_MAX, "the contexts of %s do not fit"
              " below mem-limit: raise it, or discard data", algo);
  else if (r < 0)
    snprintf (message, ZRAM_MESSAGE_MAX,
              "not enough memory for the contexts of %s", algo);
  return r;
}
