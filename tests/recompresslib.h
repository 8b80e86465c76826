/* nbdkit-zram: what the tests of recompression share.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef RECOMPRESSLIB_H
#define RECOMPRESSLIB_H

#include "disk.h"
#include "disklib.h"
#include "recompress.h"

#define PAGE 4096u
#define PAGES 4096u

static struct zram_disk *d;
static struct coding_kind kind;

/* What lz4 makes about so many bytes of, and zstd less. */
static inline void
make (unsigned char *page, unsigned bytes, uint64_t seed)
{
  unsigned i;

  page_make (page, PAGE, bytes, seed);
  for (i = 0; i < bytes; ++i)
    page[i] = "etaoin shrdlu"[page[i] % 13];
}

static inline void
put (uint64_t slot, unsigned bytes)
{
  unsigned char page[PAGE];

  make (page, bytes, slot + 1);
  CHECK (zram_pwrite (d, page, PAGE, slot * PAGE) == 0);
}

static inline void
expect (uint64_t slot, unsigned bytes)
{
  unsigned char want[PAGE], got[PAGE];

  make (want, bytes, slot + 1);
  CHECK (zram_pread (d, got, PAGE, slot * PAGE) == 0);
  CHECK (memcmp (got, want, PAGE) == 0);
}

/* A page's size, by its number: they are of all sizes, in no order. */
static inline unsigned
size_of (uint64_t slot)
{
  return 200 + (unsigned) (slot * 2654435761u % 3500);
}

static inline void
fill (void)
{
  unsigned i;

  CHECK (zram_trim (d, zram_size (d), 0) == 0);
  for (i = 0; i < PAGES; ++i)
    put (i, size_of (i));
}

static inline bool
lower (void *opaque, const struct zram_slot *about)
{
  (void) opaque;
  return recompress_priority (&d->parts, about) < kind.priority;
}

static inline struct recompress_job
job (void)
{
  return (struct recompress_job) { .kind = kind, .want = lower };
}

static inline int
count_done (void *opaque, const struct zram_slot *about)
{
  *(uint64_t *) opaque += (about->flags & ZRAM_SLOT_RECOMPRESSED) != 0;
  return 0;
}

static inline uint64_t
pages_done (void)
{
  uint64_t n = 0;

  CHECK (zram_each_slot (d, 0, count_done, &n) == 0);
  return n;
}

/* From lz4 to zstd.  False: one of them is missing. */
static inline bool
choose_kind (void)
{
  if (codec_find ("lz4") < 0 || codec_find ("zstd") < 0)
    return false;
  kind = (struct coding_kind) {
    .id = (unsigned) codec_find ("zstd"), .level = 3, .priority = 1,
  };
  return true;
}

#endif /* RECOMPRESSLIB_H */
