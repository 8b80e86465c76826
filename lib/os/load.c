/* nbdkit-zram: how busy the machine is.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "load.h"

/* "some avg10=1.23 avg60=...": the first line of what Linux has since 4.20,
 * if it was not left out.
 */
int
load_pressure (const char *file)
{
  FILE *fp = fopen (file, "re");
  unsigned percent = 0;
  int n = 0;

  if (fp) {
    n = fscanf (fp, "some avg10=%3u", &percent);
    fclose (fp);
  }
  return n == 1 ? (int) percent : -1;
}

unsigned
load_memory (const char *file)
{
  FILE *fp = fopen (file, "re");
  uint64_t total = 0, available = 0;
  char line[128];

  while (fp && fgets (line, sizeof line, fp)) {
    sscanf (line, "MemTotal: %18" SCNu64, &total);
    sscanf (line, "MemAvailable: %18" SCNu64, &available);
  }
  if (fp)
    fclose (fp);
  return available < total && available
    ? (unsigned) ((total - available) * 100 / total) : 0;
}
