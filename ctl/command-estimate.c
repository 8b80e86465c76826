/* nbdzramctl: `estimate', what each codec would make of some data.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "escape.h"
#include "estimate-trial.h"
#include "message.h"
#include "must.h"
#include "number-text.h"
#include "number.h"
#include "table.h"

#define SAMPLE_DEFAULT (UINT64_C (32) << 20)

/* --- Progress ----------------------------------------------------------- */

struct progress {
  bool shown;                   /* stderr is a terminal */
  int n, done;                  /* trials */
  int last;                     /* percent */
  const struct trial *trial;
};

static void
progress_show (void *opaque, double part)
{
  enum { WIDTH = 30 };
  struct progress *p = opaque;
  double all = (p->done + part) / p->n;
  int percent = (int) (all * 100), i;
  char size[SIZE_TEXT];

  if (!p->shown || percent == p->last)
    return;
  p->last = percent;
  fputs ("\r[", stderr);
  for (i = 0; i < WIDTH; i++)
    putc (i < (int) (all * WIDTH) ? '#' : '.', stderr);
  fprintf (stderr, "] %3d %%  %s, pages of %s\033[K", percent,
           p->trial->codec, size_text (p->trial->page_size, size));
}

static void
progress_end (const struct progress *p)
{
  if (p->shown)
    fputs ("\r\033[K", stderr);
}

/* --- The table ---------------------------------------------------------- */

enum {
  CODEC, LEVEL, PAGE_SIZE, RATIO, COMPR, TOTAL, DAY, WRITE, READ, N_COLUMNS
};

static const struct {
  const char *name;
  int flags;
  bool number, number_in_bytes; /* in JSON */
} columns[N_COLUMNS] = {
  [CODEC] = { "ALGORITHM", 0, false, false },
  [LEVEL] = { "LEVEL", SCOLS_FL_RIGHT, true, true },
  [PAGE_SIZE] = { "PAGE-SIZE", SCOLS_FL_RIGHT, false, true },
  [RATIO] = { "RATIO", SCOLS_FL_RIGHT, true, true },
  [COMPR] = { "COMPR", SCOLS_FL_RIGHT, false, true },
  [TOTAL] = { "TOTAL", SCOLS_FL_RIGHT, false, true },
  [DAY] = { "IN-A-DAY", SCOLS_FL_RIGHT, false, true },
  [WRITE] = { "WRITE-PAGE", SCOLS_FL_RIGHT, false, true },
  [READ] = { "READ-PAGE", SCOLS_FL_RIGHT, false, true },
};

static char *
estimate_size (const struct options *o, uint64_t bytes)
{
  char text[SIZE_TEXT];

  return must_copy (size_or_bytes (bytes, o->bytes, text));
}

static char *
estimate_time (const struct options *o, uint64_t ns)
{
  char text[SIZE_TEXT];

  return must_copy (time_or_ns (ns, o->bytes, text));
}

static void
estimate_row (struct libscols_table *tb, const struct options *o,
              const struct trial *t, const struct sample *s)
{
  struct libscols_line *line = scols_table_new_line (tb, NULL);
  double ratio = (double) s->data_bytes / (double) (t->held ? t->held : 1);
  char *text[N_COLUMNS] = {
    [CODEC] = must_copy (t->codec),
    [LEVEL] = t->has_level ? must_printf ("%d", t->level) : NULL,
    [PAGE_SIZE] = estimate_size (o, t->page_size),
    [RATIO] = must_printf ("%.2f", ratio),
    [COMPR] = estimate_size (o, t->compressed),
    [TOTAL] = estimate_size (o, t->held),
    [DAY] = t->day ? estimate_size (o, t->day) : NULL,
    [WRITE] = estimate_time (o, t->write_ns),
    [READ] = estimate_time (o, t->read_ns),
  };
  size_t i;

  for (i = 0; i < N_COLUMNS; i++)
    table_put (o, line, i, text[i]);
}

static int
estimate_print (const struct options *o, const struct trial *trials, int n,
                const struct sample *s)
{
  struct libscols_table *tb = table_new (o, "estimates");
  int i, r;

  if (!tb)
    return -1;
  for (i = 0; i < N_COLUMNS; i++)
    table_column (tb, columns[i].name, 3, columns[i].flags,
                  o->bytes ? columns[i].number_in_bytes : columns[i].number);
  for (i = 0; i < n; i++)
    estimate_row (tb, o, &trials[i], s);
  r = table_print (tb);
  scols_unref_table (tb);
  return r;
}

/* --- The command -------------------------------------------------------- */

/* Return what is known already of a day with pages of this size; 0: nothing.
 * With a codec that does better by itself it stays at that.
 */
static uint64_t
estimate_day (const struct trial *trials, int n)
{
  int i;

  for (i = 0; i < n; i++)
    if (trials[i].page_size == trials[n].page_size)
      return trials[i].day < trials[n].held ? trials[i].day : trials[n].held;
  return 0;
}

static int
estimate_run (struct trial *trials, int n, const struct sample *s)
{
  struct progress p = { isatty (STDERR_FILENO), n, 0, -1, NULL };
  bool tend;
  int r = 0, i;

  for (; p.done < n && r == 0; p.done++) {
    p.trial = &trials[p.done];
    tend = p.done == 0 || trials[p.done].page_size != p.trial[-1].page_size;
    r = trial_run (&trials[p.done], tend, s, progress_show, &p);
  }
  for (i = 0; i < n && r == 0; i++)
    if (!trials[i].day)
      trials[i].day = estimate_day (trials, i);
  progress_end (&p);
  return r;
}

/* Print how much was tried.  It goes to stderr, because programs read the
 * table.
 */
static void
estimate_say (const char *what, const struct sample *s)
{
  char whole[SIZE_TEXT], holes[SIZE_TEXT], looked[SIZE_TEXT];
  uint64_t hole_bytes = s->whole - s->data_bytes;
  /* The sample is filled up with zeroes to whole pages. */
  uint64_t tried = s->length < s->data_bytes ? s->length : s->data_bytes;
  FREED char *safe = text_escape (what);

  fprintf (stderr, "%s: %s, of which %s%s%s were tried\n", safe,
           size_text (s->whole, whole),
           hole_bytes ? size_text (hole_bytes, holes) : "",
           hole_bytes ? " are holes and " : "",
           size_text (tried, looked));
}

/* Take a sample of the process or of the file, try all on it and print. */
static int
estimate (const struct options *o, const char *file, uint64_t max,
          struct trial *trials, int n)
{
  FREED_BY (sample_free) struct sample s = { 0 };

  if ((o->pid ? sample_process (o->pid, max, &s)
              : sample_file (file, max, &s)) < 0)
    return -1;
  if (!o->json && !o->raw)
    estimate_say (o->pid ? o->pid : file, &s);
  return estimate_run (trials, n, &s) < 0 ? -1
    : estimate_print (o, trials, n, &s);
}

/* Get how much to look at.  Return an exit status. */
static int
estimate_parse_sample (const char *text, uint64_t *max)
{
  *max = SAMPLE_DEFAULT;
  if (text && strcmp (text, "all") == 0)
    *max = UINT64_MAX;
  else if (text && (number_size (text, 0, max) < 0 || !*max))
    return usage ("--sample %s: not a size, nor \"all\"", text);
  return EXIT_OK;
}

int
command_estimate (const struct options *o, int argc, char **argv)
{
  struct trial trials[TRIALS_MAX];
  uint64_t max;
  int n, r;

  if (!argc == !o->pid)
    return usage ("estimate what? say a file, or --pid PID");
  r = estimate_parse_sample (o->sample, &max);
  if (r != EXIT_OK)
    return r;
  n = trials_plan (o->algorithm, o->page_size, trials);
  if (n < 0)
    return usage ("%s", fault_text ());
  return estimate (o, argv[0], max, trials, n) < 0 ? failed () : EXIT_OK;
}
