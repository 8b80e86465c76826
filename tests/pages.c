/* nbdkit-zram: random numbers, and pages to test with.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The real ones are pieces of the program itself and of its C library:
 * code, tables, symbols, on every machine where the tests can run.
 */

#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"

static uint64_t rng_state = 1;

size_t
below (size_t n)
{
  uint64_t x = rng_state;

  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  rng_state = x;
  return (x * UINT64_C (0x2545f4914f6cdd1d) >> 16) % n;
}

static struct { unsigned char *bytes; size_t len; } files[2];

static void
file_read (const char *path, unsigned n)
{
  const int fd = open (path, O_RDONLY | O_CLOEXEC);
  const off_t len = fd >= 0 ? lseek (fd, 0, SEEK_END) : -1;
  unsigned char *bytes = len > 0 ? malloc (len) : NULL;

  if (bytes == NULL || pread (fd, bytes, len, 0) != len) {
    perror (path);
    exit (1);
  }
  close (fd);
  files[n].bytes = bytes;
  files[n].len = len;
}

static int
find_libc (struct dl_phdr_info *info, size_t size, void *opaque)
{
  (void) size;
  (void) opaque;
  if (strstr (info->dlpi_name, "libc.so") == NULL)
    return 0;
  file_read (info->dlpi_name, 1);
  return 1;
}

uint64_t
pages_seed (int argc, char *argv[])
{
  struct timespec t;
  uint64_t seed;

  if (argc > 1)
    seed = strtoull (argv[1], NULL, 0);
  else {
    clock_gettime (CLOCK_REALTIME, &t);
    seed = t.tv_sec ^ (uint64_t) t.tv_nsec << 20 ^ getpid ();
  }
  printf ("seed %" PRIu64 "\n", seed);
  fflush (stdout);
  rng_state = seed + UINT64_C (0x9e3779b97f4a7c15);
  if (rng_state == 0)
    rng_state = 1;

  file_read ("/proc/self/exe", 0);
  if (!dl_iterate_phdr (find_libc, NULL))
    files[1] = files[0];
  return seed;
}

static void
page_file (unsigned char *p, size_t len, unsigned n)
{
  const size_t from = below (files[n].len);
  size_t i;

  for (i = 0; i < len; ++i)
    p[i] = files[n].bytes[(from + i) % files[n].len];
}

static void
page_program (unsigned char *p, size_t len)
{
  page_file (p, len, 0);
}

static void
page_libc (unsigned char *p, size_t len)
{
  page_file (p, len, 1);
}

void
page_noise (unsigned char *p, size_t len)
{
  while (len-- > 0)
    *p++ = below (256);
}

static void
page_text (unsigned char *p, size_t len)
{
  static const char *const words[] = {
    "the", "page", "of", "a", "disk", "that", "memory", "holds", "segment",
    "is", "never", "larger", "than", "its", "neighbour", "and", "object",
    "compressed", "into", "what", "remains", "\n", "0x", "static", "return",
  };

  while (len > 0) {
    const char *w = words[below (sizeof words / sizeof words[0])];

    for (; *w && len > 0; --len)
      *p++ = *w++;
    if (len > 0) {
      *p++ = ' ';
      --len;
    }
  }
}

/* Like a heap: addresses close together, small numbers between them. */
static void
page_pointers (unsigned char *p, size_t len)
{
  uint64_t word;
  size_t i;

  for (i = 0; i < len; i += sizeof word) {
    word = below (3) == 0 ? below (9)
      : UINT64_C (0x7f3a5c000000) + 16 * below (1 << 14);
    memcpy (p + i, &word, sizeof word);
  }
}

static void
page_sparse (unsigned char *p, size_t len)
{
  size_t i;

  memset (p, 0, len);
  for (i = 0; i < len / 128; ++i)
    p[below (len)] = below (256);
}

/* A page that only just compresses to half. */
static void
page_half (unsigned char *p, size_t len)
{
  page_noise (p, len / 2);
  page_text (p + len / 2, len - len / 2);
}

/* Four bits a byte, without repetitions: only entropy coders gain. */
static void
page_nibbles (unsigned char *p, size_t len)
{
  while (len-- > 0)
    *p++ = below (16) * 0x11;
}

static void
page_zero (unsigned char *p, size_t len)
{
  memset (p, 0, len);
}

static void
page_byte (unsigned char *p, size_t len)
{
  memset (p, 1 + below (255), len);
}

static void
page_word (unsigned char *p, size_t len)
{
  size_t i;

  page_noise (p, 8);
  for (i = 8; i < len; ++i)
    p[i] = p[i - 8];
}

const struct page_kind kinds[] = {
  { "a piece of the program", page_program },
  { "a piece of libc", page_libc },
  { "text", page_text },
  { "pointers", page_pointers },
  { "sparse", page_sparse },
  { "half noise", page_half },
  { "nibbles", page_nibbles },
  { "noise", page_noise },
  { "zeroes", page_zero },
  { "one byte", page_byte },
  { "one word", page_word },
};
const size_t nr_kinds = sizeof kinds / sizeof kinds[0];
