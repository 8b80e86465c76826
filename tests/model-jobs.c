/* nbdkit-zram: what upkeep does all the while in the test of the model.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "coding-change.h"
#include "dictionary-retire.h"
#include "dictionary-train.h"
#include "disk.h"
#include "model-jobs.h"
#include "testlib.h"

/* Let new objects have this dictionary, or none. */
static bool
jobs_use (struct jobs *j, struct dictionary *dictionary)
{
  const struct parts *p = &j->disk->parts;
  struct coding_kind kind;
  int r;

  pthread_mutex_lock (p->change);
  kind = coding_kind_now (p->codings);
  kind.dictionary = dictionary;
  r = codings_switch (p, &kind);
  pthread_mutex_unlock (p->change);
  CHECK (r == 0 || r == -EBUSY);
  return r == 0;
}

/* Train another dictionary as soon as there is one, whatever it is good for;
 * each third time there is none.  The oldest go.
 */
static void *
jobs_train (void *arg)
{
  struct jobs *j = arg;
  const struct parts *p = &j->disk->parts;
  struct coding_kind kind = coding_kind_now (p->codings);
  struct retiring retiring = { 0 };
  struct dictionary *d;

  for (; !j->over; j->trained++) {
    if (dictionary_train (p, &j->disk->dictionary_job.idle, &kind, NULL,
                          j->trained, &d) == 0) {
      d->generation = j->trained + 1;
      j->used += jobs_use (j, j->trained % 3 ? d : NULL);
    }
    dictionary_drop (d);
    dictionary_retire (p, &retiring, 3);
  }
  return NULL;
}

/* Recompress all the while, a few pages at a time. */
static bool
jobs_go_on (void *opaque)
{
  struct jobs *j = opaque;

  return !j->over;
}

static void *
jobs_recompress (void *opaque)
{
  struct jobs *j = opaque;
  char message[ZRAM_MESSAGE_MAX];
  uint64_t rng = 1;
  unsigned n = 0;
  int r;

  while (zram_codec_info (n))
    n++;
  while (!j->over) {
    struct zram_recompress run = {
      .priority = 1 + (unsigned) rng_below (&rng, 3), .max_pages = 64,
      .proceed = jobs_go_on, .opaque = j,
    };

    CHECK (zram_set_recompression (
             j->disk, run.priority,
             zram_codec_info ((unsigned) rng_below (&rng, n))->name, false, 0,
             message) == 0);
    r = zram_recompress (j->disk, &run, message);
    if (r < 0 && (r != -ENOSPC || !zram_mem_limit (j->disk)) &&
        (r != -ESHUTDOWN || !j->over) && r != -EBUSY)
      fail ("%s", message);
    j->recompressed += run.done;
    usleep (1000);
  }
  return NULL;
}

void
jobs_start (struct jobs *j, struct zram_disk *disk, bool trains)
{
  *j = (struct jobs) { .disk = disk, .trains = trains };
  CHECK (pthread_create (&j->recompressor, NULL, jobs_recompress, j) == 0);
  if (!trains)
    return;
  idle_hurry (&disk->dictionary_job.idle);
  CHECK (pthread_create (&j->trainer, NULL, jobs_train, j) == 0);
}

void
jobs_end (struct jobs *j)
{
  j->over = true;
  CHECK (pthread_join (j->recompressor, NULL) == 0);
  printf ("%" PRIu64 " recompressed, ", j->recompressed);
  if (!j->trains)
    return;
  CHECK (pthread_join (j->trainer, NULL) == 0);
  printf ("%" PRIu64 " dictionaries trained, %" PRIu64 " used, ", j->trained,
          j->used);
  CHECK (j->used > 0);
}
