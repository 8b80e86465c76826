/* nbdkit-zram: deflate, by libdeflate.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * An object is a bare deflate stream.  842, which the kernel's zram has
 * for machines with hardware for it, is another name for it here: of what
 * there is, this is nearest.
 *
 * libdeflate has a compressor fixed to one level, and does not say how
 * large it is.  It is made for inputs of 300 KB: 9 MB at levels from 10
 * on, of which a 4 KiB page touches a sixteenth.  The memory account
 * wants what is resident, so compressor_new notes what the library asks
 * of malloc, lets it compress three bad pages and has the kernel count.
 */

#include <config.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libdeflate.h>

#include "codec.h"

struct deflate_params {
  int level;
  size_t page_size;
};

/* The library wants up to 9 bytes of room beyond what it finally uses; so
 * it compresses into a bounce buffer that has the room.
 */
#define DEFLATE_ROOM 16

#define DEFLATE_BLOCKS 4

/* What the library allocates, for the memory account. */
struct deflate_memory {
  struct { void *start; size_t len; } blocks[DEFLATE_BLOCKS];
  size_t nr_blocks;
  size_t bytes;                 /* of further ones; in the end of all */
};

struct deflate_decompressor {
  struct libdeflate_decompressor *library;
  struct deflate_memory memory;
};

struct deflate_compressor {
  struct libdeflate_compressor *library;
  struct deflate_memory memory;
  size_t page_size;
  unsigned char bounce[];       /* page_size + DEFLATE_ROOM */
};

/* For what this thread is making, if it is making anything. */
static _Thread_local struct deflate_memory *deflate_making;

/* malloc for the library.  What it returns is plain malloc's, so that it
 * does not matter who else in the process uses libdeflate, nor when.
 */
static void *
deflate_malloc (size_t len)
{
  struct deflate_memory *m = deflate_making;
  void *start = malloc (len);

  if (m == NULL || start == NULL)
    return start;
  if (m->nr_blocks < DEFLATE_BLOCKS) {
    m->blocks[m->nr_blocks].start = start;
    m->blocks[m->nr_blocks++].len = len;
  }
  else
    m->bytes += len;
  return start;
}

static void
deflate_probe (struct zram_codec_info *info)
{
  libdeflate_set_memory_allocator (deflate_malloc, free);
  info->version = LIBDEFLATE_VERSION_STRING;
}

static void *
deflate_params_new (int level, size_t page_size,
                    const struct dictionary *dictionary)
{
  struct deflate_params *p = malloc (sizeof *p);

  (void) dictionary;
  if (p == NULL)
    return NULL;
  p->level = level;
  p->page_size = page_size;
  return p;
}

static void
deflate_compressor_free (void *compressor)
{
  struct deflate_compressor *c = compressor;

  if (c == NULL)
    return;
  libdeflate_free_compressor (c->library);
  free (c);
}

static void
deflate_decompressor_free (void *decompressor)
{
  struct deflate_decompressor *c = decompressor;

  if (c == NULL)
    return;
  libdeflate_free_decompressor (c->library);
  free (c);
}

/* How much of [start, start + len) is in memory.  All of it if the kernel
 * does not say.
 */
static size_t
deflate_resident (const void *start, size_t len)
{
  const size_t page = sysconf (_SC_PAGESIZE);
  uintptr_t p = (uintptr_t) start & ~(uintptr_t) (page - 1);
  const uintptr_t end = (uintptr_t) start + len;
  size_t bytes = 0;
  unsigned char in;

  for (; p < end; p += page)
    if (mincore ((void *) p, 1, &in) == -1 || in & 1)
      bytes += page;
  return bytes < len ? bytes : len;
}

/* Touch what bad pages touch: noise fills the hash tables, 64 short strings
 * in random order the list of matches to write, and two bytes in random
 * order the list of matches to choose from.
 */
static void
deflate_warm_up (struct deflate_compressor *c, unsigned char *page)
{
  enum { NOISE, STRINGS, BITS, LAST } pass;
  uint32_t x = 1, r;
  size_t i;

  for (pass = NOISE; pass < LAST; ++pass) {
    for (i = 0; i < c->page_size; ++i) {
      if (pass != STRINGS || i % 4 == 0)
        x = x * UINT32_C (1664525) + UINT32_C (1013904223);
      r = x >> 24;
      page[i] = pass == NOISE ? r
        : pass == BITS ? r & 1
        : (r & 63) + i % 4 * 64;
    }
    libdeflate_deflate_compress (c->library, page, c->page_size,
                                 c->bounce, c->page_size + DEFLATE_ROOM);
  }
}

/* All that is resident, with `own' bytes beside the library's. */
static void
deflate_add_up (struct deflate_memory *m, size_t own)
{
  size_t i;

  m->bytes += own;
  for (i = 0; i < m->nr_blocks; ++i)
    m->bytes += deflate_resident (m->blocks[i].start, m->blocks[i].len);
}

static void *
deflate_compressor_new (const void *params)
{
  const struct deflate_params *p = params;
  const size_t own = sizeof (struct deflate_compressor) +
    p->page_size + DEFLATE_ROOM;
  struct deflate_compressor *c = malloc (own);
  unsigned char *page = malloc (p->page_size);

  if (c == NULL || page == NULL) {
    free (c);
    free (page);
    return NULL;
  }
  memset (c, 0, sizeof *c);
  c->page_size = p->page_size;
  deflate_making = &c->memory;
  c->library = libdeflate_alloc_compressor (p->level);
  deflate_making = NULL;
  if (c->library == NULL) {
    free (page);
    deflate_compressor_free (c);
    return NULL;
  }
  deflate_warm_up (c, page);
  free (page);
  deflate_add_up (&c->memory, own);
  return c;
}

static size_t
deflate_compressor_bytes (const void *compressor)
{
  const struct deflate_compressor *c = compressor;

  return c->memory.bytes;
}

/* Its tables are written whole with the first page, so all count. */
static void *
deflate_decompressor_new (void)
{
  struct deflate_decompressor *c = calloc (1, sizeof *c);
  size_t i;

  if (c == NULL)
    return NULL;
  deflate_making = &c->memory;
  c->library = libdeflate_alloc_decompressor ();
  deflate_making = NULL;
  if (c->library == NULL) {
    deflate_decompressor_free (c);
    return NULL;
  }
  c->memory.bytes += sizeof *c;
  for (i = 0; i < c->memory.nr_blocks; ++i)
    c->memory.bytes += c->memory.blocks[i].len;
  return c;
}

static size_t
deflate_decompressor_bytes (const void *decompressor)
{
  const struct deflate_decompressor *c = decompressor;

  return c->memory.bytes;
}

static int
deflate_compress (const void *params, void *compressor,
                  const void *src, size_t src_len, void *dst, size_t dst_len)
{
  struct deflate_compressor *c = compressor;
  size_t r;

  (void) params;
  /* Nobody wants an object larger than its page. */
  if (dst_len > c->page_size)
    dst_len = c->page_size;
  r = libdeflate_deflate_compress (c->library, src, src_len,
                                   c->bounce, dst_len + DEFLATE_ROOM);
  if (r > dst_len)
    return 0;
  memcpy (dst, c->bounce, r);
  return r;
}

static int
deflate_decompress (const void *reader, void *decompressor, const void *src,
                    size_t src_len, void *dst, size_t dst_len)
{
  struct deflate_decompressor *c = decompressor;
  size_t used;

  (void) reader;
  /* NULL: anything but dst_len bytes is an error. */
  return libdeflate_deflate_decompress_ex (c->library, src, src_len,
                                           dst, dst_len, &used, NULL)
         == LIBDEFLATE_SUCCESS && used == src_len ? 0 : -EIO;
}

const struct codec codec_deflate = {
  .info = {
    .name = "deflate",
    .alias = "842",
    .level_min = 1,
    .level_max = 12,
    .level_default = 6,
    .level_means = "slower, compresses more",
  },
  .probe = deflate_probe,
  .params_new = deflate_params_new,
  .params_free = free,
  .compressor_new = deflate_compressor_new,
  .compressor_free = deflate_compressor_free,
  .compressor_bytes = deflate_compressor_bytes,
  .decompressor_new = deflate_decompressor_new,
  .decompressor_free = deflate_decompressor_free,
  .decompressor_bytes = deflate_decompressor_bytes,
  .compress = deflate_compress,
  .decompress = deflate_decompress,
};
