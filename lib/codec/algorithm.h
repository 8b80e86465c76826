/* nbdkit-zram: a codec and its level as people write them, zstd:3.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * NAME or NAME:LEVEL, wherever an algorithm is named.
 */

#ifndef ZRAM_ALGORITHM_H
#define ZRAM_ALGORITHM_H

#include <stdbool.h>

/* Longer names are cut: no codec has one, and a message shows no more. */
#define ALGORITHM_NAME_MAX 128

struct algorithm {
  char name[ALGORITHM_NAME_MAX];
  bool has_level;
  int level;
};

/* 0, or -EINVAL: what follows the colon is no whole number.  Whether there
 * is such a codec, and such a level of it, is for zram_params_check; a
 * level that is too large for an int is the largest.
 */
extern int algorithm_parse (const char *text, struct algorithm *algorithm);

#endif /* ZRAM_ALGORITHM_H */
