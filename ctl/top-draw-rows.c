/* nbdzramctl: what `top' prints where there is no terminal.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "must.h"
#include "number-text.h"
#include "top-draw.h"

void
draw_rows_heading (FILE *fp)
{
  fprintf (fp, "%-8s %-8s %10s %10s %7s %9s %9s %10s %10s %9s %9s\n", "TIME",
           "NAME", "DATA", "TOTAL", "RATIO", "READS/S", "WRITES/S", "READ/S",
           "WRITE/S", "READ-P99", "WRITE-P99");
}

/* Print a number, or a dash if it is not known. */
static void
rows_known (FILE *fp, int width, uint64_t n,
            const char *text_of (uint64_t n, char text[SIZE_TEXT]))
{
  char text[SIZE_TEXT];

  fprintf (fp, " %*s", width, n == RATE_UNKNOWN ? "-" : text_of (n, text));
}

static const char *
rows_plain (uint64_t n, char text[SIZE_TEXT])
{
  snprintf (text, SIZE_TEXT, "%" PRIu64, n);
  return text;
}

static void
rows_device (FILE *fp, const struct shown *shown, device *d, const char *when)
{
  struct span span = shown_span (shown, d);
  FREED char *name = device_text (d, "name");
  char t[SIZE_TEXT];
  unsigned i;

  fprintf (fp, "%-8s %-8s", when, name);
  fprintf (fp, " %10s", size_text (device_count (d, "orig_data_size"), t));
  fprintf (fp, " %10s", size_text (device_count (d, "mem_used_total"), t));
  fprintf (fp, " %7s", ratio_text (device_ratio (d), t));
  /* Reads, then writes. */
  for (i = 0; i < 2; i++)
    rows_known (fp, 9, span_rate (&span, operations[i].count), rows_plain);
  for (i = 0; i < 2; i++)
    rows_known (fp, 10, span_rate (&span, operations[i].bytes), size_text);
  for (i = 0; i < 2; i++)
    rows_known (fp, 9, span_quantile (&span, &operations[i], 990),
                time_text);
  putc ('\n', fp);
}

void
draw_rows (FILE *fp, const struct shown *shown, const char *when)
{
  unsigned i;

  for (i = 0; i < shown->n; i++)
    rows_device (fp, shown, shown->devices[i], when);
}
