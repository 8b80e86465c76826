/* nbdkit-zram: the memory that the program itself lies in.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory is locked as it is touched.  That does nothing for a function that
 * was never called: its code is still in a file, and to read it takes memory.
 * So what takes part in a request is touched here: the server, the plugin,
 * its filters, and the libraries that they use for it.  All other libraries,
 * most of them for TLS, would be as much again.
 */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "prefault.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* More than the variables of a library, and less than the 200 MB of buffers
 * that nbdkit has among its own, most of them never used.
 */
#define DATA_MAX ((uintptr_t) 1 << 20)

/* How the names of the files that take part begin, and how they end. */
static const char *const begins[] = {
  "nbdkit", "libc.", "libc-", "ld-", "libpthread", "libzstd.", "liblz4.",
  "liblzo2.", "libdeflate.",
};
static const char *const ends[] = { "-plugin.so", "zramplugin.so",
  "-filter.so" };

struct map {
  uintptr_t from, to;
  char mode[5];
  char path[512];
};

static bool
prefault_parse (const char *line, struct map *m)
{
  m->path[0] = '\0';
  return sscanf (line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %511[^\n]",
                 &m->from, &m->to, m->mode, m->path) >= 3;
}

static bool
prefault_wants (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash ? slash + 1 : path;
  size_t len = strlen (name), n;
  unsigned i;

  for (i = 0; slash && i < sizeof begins / sizeof begins[0]; i++)
    if (strncmp (name, begins[i], strlen (begins[i])) == 0)
      return true;
  for (i = 0; slash && i < sizeof ends / sizeof ends[0]; i++) {
    n = strlen (ends[i]);
    if (len >= n && strcmp (name + len - n, ends[i]) == 0)
      return true;
  }
  return false;
}

int
prefault_program (void)
{
  FILE *fp = fopen ("/proc/self/maps", "re");
  struct map m;
  uintptr_t end = 0;            /* of what was touched last */
  char line[1024];
  int error = 0;

  if (!fp)
    return errno;
  while (error == 0 && fgets (line, sizeof line, fp)) {
    bool writable, heap, part;

    if (!prefault_parse (line, &m))
      continue;
    writable = m.mode[1] == 'w';
    heap = strcmp (m.path, "[heap]") == 0;
    /* Variables also lie in a map without a name that follows at once. */
    part = prefault_wants (m.path) || (!m.path[0] && m.from == end);
    if (m.mode[0] != 'r' || m.mode[3] != 'p' || !(heap || part) ||
        (writable && !heap && m.to - m.from > DATA_MAX))
      continue;
    end = m.to;
    if (madvise ((void *) m.from, m.to - m.from, writable
                 ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == -1)
      error = errno;
  }
  fclose (fp);
  return error;
}
