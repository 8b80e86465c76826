/* nbdkit-zram: which running kernel this is.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "boot.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char mark[17];

/* A sum of the kernel's 122 random bits, which cannot be had back from it
 * (FNV-1a).
 */
static void
boot_read_mark (void)
{
  FILE *fp = fopen ("/proc/sys/kernel/random/boot_id", "re");
  uint64_t sum = UINT64_C (0xcbf29ce484222325);
  unsigned n = 0;
  int c;

  while (fp && (c = getc (fp)) != EOF && c != '\n' && n++ < 64)
    sum = (sum ^ (unsigned) c) * UINT64_C (0x100000001b3);
  if (fp)
    fclose (fp);
  if (n)
    snprintf (mark, sizeof mark, "%016" PRIx64, sum);
}

const char *
boot_mark (void)
{
  pthread_once (&once, boot_read_mark);
  return mark;
}
