/* nbdkit-zram: a dictionary: what pages of a disk have in common.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The bytes of one, as a codec's library trained them.  Codings that use it
 * share it; what they digest of it (codec.h) refers to these bytes.
 */

#ifndef ZRAM_DICTIONARY_H
#define ZRAM_DICTIONARY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "os.h"

struct dictionary {
  _Atomic unsigned users;
  bool owned;                   /* somebody else than the codings that use it
                                   has it, and has charged its bytes */
  uint64_t generation;          /* the later it was made for new objects, the
                                   larger; 0: for something else */
  size_t bytes;
  char data[];
};

/* Return what one of so many bytes holds. */
static inline size_t
dictionary_held (size_t bytes)
{
  return sizeof (struct dictionary) + bytes;
}

/* Copy a dictionary.  It has one user, the caller.  NULL: no memory. */
static inline struct dictionary *
dictionary_new (const void *data, size_t bytes)
{
  struct dictionary *d = os_alloc (dictionary_held (bytes));

  if (d) {
    d->users = 1;
    d->bytes = bytes;
    memcpy (d->data, data, bytes);
  }
  return d;
}

/* Add a user.  NULL is allowed, as it is below. */
static inline struct dictionary *
dictionary_share (struct dictionary *d)
{
  if (d)
    d->users++;
  return d;
}

/* Take a user off, and free the dictionary if it was the last. */
static inline void
dictionary_drop (struct dictionary *d)
{
  if (d && --d->users == 0)
    os_free (d, dictionary_held (d->bytes));
}

#endif /* ZRAM_DICTIONARY_H */
