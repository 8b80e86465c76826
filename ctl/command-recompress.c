/* nbdzramctl: the command recompress.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "algorithm.h"
#include "client.h"
#include "commands.h"
#include "device-name.h"
#include "errand.h"
#include "message.h"
#include "must.h"
#include "number-text.h"
#include "number.h"
#include "timeout.h"

/* Priorities that the server has. */
#define PRIORITY_MAX 3

/* What the options say. */
struct wish {
  struct algorithm algorithm;   /* if o->algorithm */
  uint64_t threshold, max_pages;        /* 0: any */
};

static int
recompress_check (const struct options *o, struct wish *w)
{
  static const char *const types[] = { "idle", "huge", "huge_idle" };
  bool known = !o->type;
  size_t i;

  *w = (struct wish) { .threshold = 0 };
  for (i = 0; o->type && i < sizeof types / sizeof types[0]; i++)
    known |= strcmp (o->type, types[i]) == 0;
  if (!known)
    return usage ("--type %s: must be idle, huge or huge_idle", o->type);
  if (o->algorithm && (algorithm_parse (o->algorithm, &w->algorithm) < 0 ||
                       !*w->algorithm.name))
    return usage ("-a %s: must be an algorithm, or one with its level, as"
                  " zstd:6", o->algorithm);
  if (o->threshold && number_size (o->threshold, 0, &w->threshold) < 0)
    return usage ("--threshold %s: not a size; say for example 1000 or 1K",
                  o->threshold);
  if (o->max_pages && (number_count (o->max_pages, 0, &w->max_pages) < 0 ||
                       w->max_pages == 0))
    return usage ("--max-pages %s: must be a number from 1 on", o->max_pages);
  return EXIT_OK;
}

/* --- The algorithm ------------------------------------------------------ */

/* Return the number that follows KEY= in a line; 0: there is none. */
static int
recompress_number (const char *line, const char *key)
{
  const char *at = strstr (line, key);
  char number[16];
  int n = 0;

  if (at) {
    at += strlen (key);
    snprintf (number, sizeof number, "%.*s", (int) strcspn (at, " \n"), at);
    number_integer (number, &n);
  }
  return n;
}

static bool
recompress_line_is (const char *line, const struct algorithm *a)
{
  size_t n = strlen (a->name);

  return strncmp (line, "algo=", 5) == 0 &&
    strncmp (line + 5, a->name, n) == 0 &&
    (line[5 + n] == ' ' || line[5 + n] == '\0') &&
    (!a->has_level || recompress_number (line, " level=") == a->level);
}

/* Choose the priority for an algorithm: its own, or else the lowest that is
 * free; or else the highest, so that what has any other can be recompressed
 * with it.  *set: it has it already.
 */
static int
recompress_choose (char *lines, const struct algorithm *a, bool *set)
{
  bool taken[PRIORITY_MAX + 1] = { false };
  char *line, *rest = lines;
  int priority;

  *set = true;
  while ((line = strtok_r (rest, "\n", &rest)) != NULL) {
    priority = recompress_number (line, " priority=");
    if (priority < 1 || priority > PRIORITY_MAX)
      continue;
    taken[priority] = true;
    if (recompress_line_is (line, a))
      return priority;
  }
  *set = false;
  for (priority = 1; priority < PRIORITY_MAX && taken[priority]; priority++)
    ;
  return priority;
}

/* Let the server have the algorithm, and get its priority. */
static int
recompress_set (const struct options *o, const char *name,
                const struct algorithm *a, int *priority)
{
  char *command = must_printf ("show %s algorithm_params", name), *payload;
  bool set = true;
  int r = client_command (o->uri, command, &payload);

  free (command);
  if (r == 0) {
    *priority = recompress_choose (payload, a, &set);
    free (payload);
  }
  if (r == 0 && !set) {
    command = must_printf ("%s recomp_algorithm algo=%s priority=%d", name,
                           o->algorithm, *priority);
    r = client_command (o->uri, command, &payload);
    free (payload);
    free (command);
  }
  return r;
}

/* --- The run ------------------------------------------------------------ */

/* How often to look, for people and else. */
#define LOOK_MS 250
#define LOOK_SELDOM_MS 1000

static void
recompress_show (device *d, uint64_t gained_before, uint64_t max)
{
  uint64_t found = device_count (d, "recompress_found");
  uint64_t handled = device_count (d, "recompress_handled");
  uint64_t gained = device_count (d, "recompress_gained") - gained_before;
  char size[SIZE_TEXT];

  if (max && found > max)
    found = max;
  if (found == 0)
    fputs ("\rlooking at the pages\033[K", stderr);
  else
    fprintf (stderr, "\r%" PRIu64 " of %" PRIu64 " pages, %s less so far\033[K",
             handled, found, size_text (gained, size));
}

/* Ask how far it is.  -1 with a fault: the server does not say. */
static int
recompress_look (const struct options *o, const struct wish *w,
                 const char *name, bool show)
{
  static uint64_t before = UINT64_MAX;
  struct server s;
  device *d;

  if (server_load (o->uri, &s) < 0)
    return -1;
  d = server_find (&s, name);
  if (d && before == UINT64_MAX)
    before = device_count (d, "recompress_gained");
  if (d && show)
    recompress_show (d, before, w->max_pages);
  server_free (&s);
  return 0;
}

/* Wait for the answer, as long as the server answers other questions. */
static int
recompress_watch (const struct options *o, const struct wish *w,
                  const char *name, struct errand *e, bool show)
{
  uint64_t last = clock_ms ();

  do {
    if (recompress_look (o, w, name, show) == 0)
      last = clock_ms ();
    else if (clock_ms () - last >= timeout_seconds () * UINT64_C (1000))
      return -1;
  } while (!errand_wait (e, show ? LOOK_MS : LOOK_SELDOM_MS));
  return 0;
}

/* Get a number of the answer.  False: it is not there. */
static bool
recompress_get (const char *payload, const char *key, uint64_t *n)
{
  const char *at = strstr (payload, key);
  char number[24];

  if (!at)
    return false;
  at += strlen (key);
  snprintf (number, sizeof number, "%.*s", (int) strcspn (at, " \n"), at);
  return number_count (number, 0, n) == 0;
}

/* Say what was gained. */
static int
recompress_tell (const char *payload)
{
  uint64_t tried, done, bytes, gained;
  char before[SIZE_TEXT], after[SIZE_TEXT], less[SIZE_TEXT];

  if (!recompress_get (payload, "tried=", &tried) ||
      !recompress_get (payload, "done=", &done) ||
      !recompress_get (payload, "bytes=", &bytes) ||
      !recompress_get (payload, "gained=", &gained) || gained > bytes)
    return fault ("the server's answer is not understood");
  if (tried == 0)
    puts ("there is nothing to recompress");
  else if (done == 0)
    printf ("none of %" PRIu64 " pages became smaller\n", tried);
  else
    printf ("recompressed %" PRIu64 " of %" PRIu64 " pages: %s -> %s, %s"
            " less\n", done, tried, size_text (bytes, before),
            size_text (bytes - gained, after), size_text (gained, less));
  return 0;
}

static int
recompress_run (const struct options *o, const struct wish *w,
                const char *name, const char *command)
{
  bool show = isatty (STDERR_FILENO);
  char *payload = NULL;
  struct errand e;
  int r;

  if (errand_start (&e, o->uri, command) < 0)
    return -1;
  r = recompress_watch (o, w, name, &e, show);
  if (show)
    fputs ("\r\033[K", stderr);
  if (r < 0)
    errand_cancel (&e);
  else
    r = errand_end (&e, &payload);
  if (r < 0 && strstr (fault_text (), "no algorithm is set"))
    fault ("the server was not told what to recompress with: say which, for"
           " example --algorithm zstd:6");
  if (r == 0)
    r = recompress_tell (payload);
  free (payload);
  return r;
}

/* Write the command. */
static char *
recompress_command (const struct options *o, const struct wish *w,
                    const char *name, int priority)
{
  char number[2][48] = { "", "" };

  if (w->threshold)
    snprintf (number[0], sizeof number[0], " threshold=%" PRIu64,
              w->threshold);
  if (w->max_pages)
    snprintf (number[1], sizeof number[1], " max_pages=%" PRIu64,
              w->max_pages);
  return must_printf ("%s recompress priority=%d%s%s%s%s", name, priority,
                      o->type ? " type=" : "", o->type ? o->type : "",
                      number[0], number[1]);
}

int
command_recompress (const struct options *o, int argc, char **argv)
{
  struct wish w;
  char *name, *command;
  int priority = 1, r = recompress_check (o, &w);

  if (r != EXIT_OK)
    return r;
  name = device_name_resolve (o->uri, argc ? argv[0] : "zram0");
  if (!name)
    return failed ();
  r = o->algorithm ? recompress_set (o, name, &w.algorithm, &priority) : 0;
  if (r == 0) {
    command = recompress_command (o, &w, name, priority);
    r = recompress_run (o, &w, name, command);
    free (command);
  }
  free (name);
  return r < 0 ? failed () : EXIT_OK;
}
