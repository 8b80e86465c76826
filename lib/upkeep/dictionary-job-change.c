/* nbdkit-zram: the dictionary of new objects, when the codec is changed or the
 * disk is emptied.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "coding-change.h"
#include "dictionary-job.h"
#include "dictionary-train.h"

struct dictionary *
dictionary_job_for (struct dictionary_job *job, unsigned id)
{
  const struct coding_kind now = coding_kind_now (job->parts->codings);

  if (!job->on || !dictionary_suits (id))
    return NULL;
  return now.id == id ? now.dictionary
    : codings_newest (job->parts->codings, id);
}

void
dictionary_job_changed (struct dictionary_job *job)
{
  const struct coding_kind now = coding_kind_now (job->parts->codings);

  if (job->on)
    job->says = !dictionary_suits (now.id) ? SAYS_CODEC
      : now.dictionary ? SAYS_USED : SAYS_LITTLE;
}

void
dictionary_job_forget (struct dictionary_job *job)
{
  struct coding_kind kind = coding_kind_now (job->parts->codings);

  job->forgotten++;
  if (!job->on || !kind.dictionary)
    return;
  kind.dictionary = NULL;
  codings_switch (job->parts, &kind);
  dictionary_job_changed (job);
}
