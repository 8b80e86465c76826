/* nbdkit-zram: attributes of algorithms that are written as KEY=VALUE.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The grammar and the defaults are the kernel's, but what it does not know
 * is refused.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attr-params.h"
#include "attr-store.h"
#include "number.h"

/* The functions here have the message at hand. */
#define refuse(...) attr_refuse (message, __VA_ARGS__)

/* How many keys a table has. */
#define KEYS(table) (sizeof table / sizeof table[0])

/* Is it the name of this codec, or its alias? */
static bool
attr_names_codec (const char *given, const char *name)
{
  const struct zram_codec_info *info;
  unsigned i;

  for (i = 0; (info = zram_codec_info (i)) != NULL; ++i)
    if (strcmp (info->name, name) == 0)
      return strcmp (given, name) == 0 ||
        (info->alias && strcmp (given, info->alias) == 0);
  return false;
}

/* What these attributes have in common: which algorithm. */
struct which {
  const char *algo;             /* as it was given; NULL: it was not */
  struct algorithm named;       /* NAME and LEVEL of it */
  bool has_priority;
  unsigned priority;
};

static int
attr_which_algo (struct which *w, const char *value,
                 char message[ZRAM_MESSAGE_MAX])
{
  w->algo = value;
  return attr_algorithm (&w->named, value, message);
}

static int
attr_which_priority (struct which *w, const char *value, unsigned least,
                     char message[ZRAM_MESSAGE_MAX])
{
  uint64_t n;

  if (number_count (value, 0, &n) == -EINVAL || n < least ||
      n >= ZRAM_PRIORITIES)
    return refuse ("priority=" QUOTED ": must be a number from %u to %u",
                   value, least, ZRAM_PRIORITIES - 1);
  w->has_priority = true;
  w->priority = (unsigned) n;
  return 0;
}

/* algorithm_params */

struct algorithm_params {
  struct which which;
  bool has_level;
  int level;
};

static int
attr_param_algo (void *opaque, const char *value,
                 char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm_params *p = opaque;

  return attr_which_algo (&p->which, value, message);
}

/* A number that does not fit an int becomes the largest or the smallest; the
 * engine refuses that and says what the range is.
 */
static int
attr_param_level (void *opaque, const char *value,
                  char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm_params *p = opaque;

  if (number_integer (value, &p->level) == -EINVAL)
    return refuse ("level=" QUOTED " is not a whole number", value);
  p->has_level = true;
  return 0;
}

static int
attr_param_priority (void *opaque, const char *value,
                     char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm_params *p = opaque;

  return attr_which_priority (&p->which, value, 0, message);
}

static int
attr_param_dict (void *opaque, const char *value,
                 char message[ZRAM_MESSAGE_MAX])
{
  (void) opaque;
  return refuse ("dict=" QUOTED ": no file is opened for a command;"
                 " leave dict out", value);
}

static int
attr_param_winbits (void *opaque, const char *value,
                    char message[ZRAM_MESSAGE_MAX])
{
  (void) opaque;
  return refuse ("deflate.winbits=" QUOTED ": deflate has no"
                 " window to choose here; leave it out", value);
}

static const struct attr_param algorithm_keys[] = {
  { "algo", attr_param_algo },
  { "level", attr_param_level },
  { "priority", attr_param_priority },
  { "dict", attr_param_dict },
  { "deflate.winbits", attr_param_winbits },
};
#define ALGORITHM_HELP "algo=NAME[:N], level=N and priority=N"

/* Set the level of a priority that recompression has. */
static int
attr_set_secondary (struct zram_disk *disk, const struct algorithm_params *p,
                    bool has_level, int level, char message[ZRAM_MESSAGE_MAX])
{
  unsigned priority = p->which.priority;
  const char *name = zram_recompression (disk, priority, &(int) { 0 });

  if (!name)
    return refuse ("no algorithm is set for priority %u: recomp_algorithm"
                   " does that", priority);
  if (p->which.algo && !attr_names_codec (p->which.named.name, name))
    return refuse ("priority %u has %s and not algo=%.64s: recomp_algorithm"
                   " changes it", priority, name, p->which.algo);
  return zram_set_recompression (disk, priority, name, has_level, level,
                                 message);
}

/* Set the algorithm, unless algo=NAME:LEVEL and level=N contradict each other.
 */
static int
attr_set_algorithm (struct zram_disk *disk, const struct algorithm_params *p,
                    char message[ZRAM_MESSAGE_MAX])
{
  const struct which *w = &p->which;
  bool named = w->algo && w->named.has_level;
  int level = named ? w->named.level : p->level;

  if (named && p->has_level && p->level != w->named.level)
    return refuse ("algo=%.64s contradicts level=%d: one level only",
                   w->algo, p->level);
  if (w->priority)
    return attr_set_secondary (disk, p, named || p->has_level, level, message);
  return zram_set_algorithm (disk, w->algo ? w->named.name
                                           : zram_algorithm (disk),
                             named || p->has_level, level, message);
}

int
attr_store_algorithm_params (struct zram_disk *disk, const char *value,
                             char message[ZRAM_MESSAGE_MAX])
{
  struct algorithm_params p = { .level = 0 };
  char buf[ATTR_PARAMS_MAX];
  int r;

  if (!*value)
    return refuse ("no parameters: there are " ALGORITHM_HELP);
  r = attr_params (value, algorithm_keys, KEYS (algorithm_keys),
                   ALGORITHM_HELP, &p, buf, message);
  return r < 0 ? r : attr_set_algorithm (disk, &p, message);
}

/* recomp_algorithm */

static int
attr_recomp_algo (void *opaque, const char *value,
                  char message[ZRAM_MESSAGE_MAX])
{
  return attr_which_algo (opaque, value, message);
}

static int
attr_recomp_priority (void *opaque, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  return attr_which_priority (opaque, value, 1, message);
}

static const struct attr_param recomp_keys[] = {
  { "algo", attr_recomp_algo },
  { "priority", attr_recomp_priority },
};
#define RECOMP_HELP "algo=NAME[:LEVEL] and priority=N"

int
attr_store_recomp_algorithm (struct zram_disk *disk, const char *value,
                             char message[ZRAM_MESSAGE_MAX])
{
  struct which w = { .priority = 1 };
  char buf[ATTR_PARAMS_MAX];
  int r = attr_params (value, recomp_keys, KEYS (recomp_keys), RECOMP_HELP,
                       &w, buf, message);

  if (r == 0 && !w.algo)
    return refuse ("algo=NAME is missing: there are " RECOMP_HELP);
  return r < 0 ? r
    : zram_set_recompression (disk, w.priority, w.named.name,
                              w.named.has_level, w.named.level, message);
}

/* recompress */

bool (*attr_goes_on) (void);

/* It is asked so often. */
#define ASK_MS 20

struct recompress {
  struct which which;
  struct zram_recompress run;
  uint64_t asked_ms;
};

static uint64_t
attr_now_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

static bool
attr_recompress_goes_on (void *opaque)
{
  struct recompress *rc = opaque;
  uint64_t now = attr_now_ms ();

  if (now - rc->asked_ms < ASK_MS)
    return true;
  rc->asked_ms = now;
  return !attr_goes_on || attr_goes_on ();
}

static int
attr_recompress_type (void *opaque, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  static const struct {
    const char *name;
    unsigned flags;
  } types[] = {
    { "idle", ZRAM_SLOT_IDLE }, { "huge", ZRAM_SLOT_HUGE },
    { "huge_idle", ZRAM_SLOT_HUGE | ZRAM_SLOT_IDLE },
  };
  struct recompress *rc = opaque;
  size_t i;

  for (i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (strcmp (types[i].name, value) == 0) {
      rc->run.flags = types[i].flags;
      return 0;
    }
  return refuse ("type=" QUOTED ": must be idle, huge or huge_idle", value);
}

static int
attr_recompress_threshold (void *opaque, const char *value,
                           char message[ZRAM_MESSAGE_MAX])
{
  struct recompress *rc = opaque;
  uint64_t n;

  if (number_count (value, 0, &n) == -EINVAL)
    return refuse ("threshold=" QUOTED ": must be a number of bytes", value);
  /* What is too large is for the disk to refuse, which knows its pages. */
  rc->run.threshold = n > UINT32_MAX ? UINT32_MAX : (uint32_t) n;
  return 0;
}

static int
attr_recompress_max_pages (void *opaque, const char *value,
                           char message[ZRAM_MESSAGE_MAX])
{
  struct recompress *rc = opaque;

  if (number_count (value, 0, &rc->run.max_pages) < 0)
    return refuse ("max_pages=" QUOTED ": must be a number", value);
  return 0;
}

static int
attr_recompress_algo (void *opaque, const char *value,
                      char message[ZRAM_MESSAGE_MAX])
{
  struct recompress *rc = opaque;
  int r = attr_which_algo (&rc->which, value, message);

  if (r == 0 && rc->which.named.has_level)
    return refuse ("algo=" QUOTED ": recomp_algorithm says the level; leave"
                   " it out", value);
  return r;
}

static int
attr_recompress_priority (void *opaque, const char *value,
                          char message[ZRAM_MESSAGE_MAX])
{
  struct recompress *rc = opaque;

  return attr_which_priority (&rc->which, value, 1, message);
}

static const struct attr_param recompress_keys[] = {
  { "type", attr_recompress_type },
  { "threshold", attr_recompress_threshold },
  { "max_pages", attr_recompress_max_pages },
  { "algo", attr_recompress_algo },
  { "priority", attr_recompress_priority },
};
#define RECOMPRESS_HELP \
  "type=TYPE, threshold=BYTES, max_pages=N, algo=NAME and priority=N"

/* Which priority is meant: it and the algorithm, if both are given, must go
 * together.
 */
static int
attr_recompress_which (const struct zram_disk *disk, const struct which *w,
                       unsigned *priority, char message[ZRAM_MESSAGE_MAX])
{
  unsigned from = w->has_priority ? w->priority : 1, i;
  unsigned to = w->has_priority ? w->priority : ZRAM_PRIORITIES - 1;
  const char *name;

  *priority = from;
  if (!w->algo)
    return 0;                   /* whether it is set, the disk will see */
  for (i = from; i <= to; ++i) {
    name = zram_recompression (disk, i, &(int) { 0 });
    if (name && attr_names_codec (w->named.name, name)) {
      *priority = i;
      return 0;
    }
  }
  if (w->has_priority)
    return refuse ("algo=" QUOTED " is not what recomp_algorithm has set for"
                   " priority %u", w->algo, w->priority);
  return refuse ("algo=" QUOTED " is not set for any priority:"
                 " recomp_algorithm does that", w->algo);
}

int
attr_store_recompress (struct zram_disk *disk, const char *value,
                       char message[ZRAM_MESSAGE_MAX])
{
  struct recompress rc = {
    .run = { .max_pages = UINT64_MAX, .proceed = attr_recompress_goes_on,
             .opaque = &rc },
    .asked_ms = attr_now_ms (),
  };
  char buf[ATTR_PARAMS_MAX];
  int r = attr_params (value, recompress_keys, KEYS (recompress_keys),
                       RECOMPRESS_HELP, &rc, buf, message);

  if (r == 0)
    r = attr_recompress_which (disk, &rc.which, &rc.run.priority, message);
  if (r == 0)
    r = zram_recompress (disk, &rc.run, message);
  if (r == 0)
    snprintf (message, ZRAM_MESSAGE_MAX, "tried=%" PRIu64 " done=%" PRIu64
              " bytes=%" PRIu64 " gained=%" PRIu64, rc.run.tried, rc.run.done,
              rc.run.bytes, rc.run.gained);
  return r;
}
