/* nbdkit-zram: a dictionary that is given to a disk when it is made.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>

#include "coding-change.h"
#include "worlddisk.h"

static int
open_given (const void *data, size_t bytes, const char *algo, int level,
            char message[ZRAM_MESSAGE_MAX])
{
  struct zram_params p = {
    .size = 16 * MiB, .algo = algo, .has_level = level != 0, .level = level,
    .dictionary = ZRAM_DICTIONARY_GIVEN, .dictionary_data = data,
    .dictionary_bytes = bytes,
  };

  memset (of_world, 0, sizeof of_world);
  d = NULL;
  message[0] = '\0';
  return zram_open (&p, &d, message);
}

static void
test_given (void)
{
  const char *other = zram_codec_info (id == 0 ? 1 : 0)->name;
  const char *name = codec->info.name;
  struct dictionary *t = world_dictionary (codec, 1, PAGE, 1);
  char message[ZRAM_MESSAGE_MAX], *damaged = malloc (t->bytes);
  uint64_t without;

  CHECK (open_given (t->data, t->bytes, name, 1, message) == 0);
  CHECK (in_use () == d->given && says ("in use"));
  CHECK (disk_stats (d).dictionaries == 1);
  put_many (0, 1000, 1);
  check_pages (1);
  without = disk_stats (d).compr_data_size;
  set_algorithm (other, 0);
  CHECK (!in_use () && says ("no dictionary"));
  put_many (0, 1000, 1);
  codings_tidy (&d->parts);
  CHECK (disk_stats (d).dictionaries == 0);
  check_pages (1);
  set_algorithm (name, 6);
  CHECK (in_use () == d->given);
  CHECK (zram_reset (d) == 0 && in_use () == d->given);
  memset (of_world, 0, sizeof of_world);
  put_many (0, 1000, 1);
  check_pages (1);
  CHECK (disk_stats (d).compr_data_size < without + without / 10);
  CHECK (!step () && disk_stats (d).dictionary_trainings == 0);
  zram_close (d);

  /* What cannot be used. */
  CHECK (open_given (t->data, t->bytes, other, 0, message) == -EINVAL);
  CHECK (strstr (message, other) && strstr (message, "only zstd"));
  CHECK (open_given ("hello, world", 12, name, 1, message) == -EINVAL);
  CHECK (strstr (message, "zstd --train"));
  CHECK (open_given (t->data, 3, name, 1, message) == -EINVAL);
  CHECK (open_given (t->data, ZRAM_DICTIONARY_MAX + 1, name, 1, message) ==
         -EINVAL && strstr (message, "at most"));
  memcpy (damaged, t->data, t->bytes);
  memset (damaged + 8, 0xff, 100);
  CHECK (open_given (damaged, t->bytes, name, 1, message) == -EINVAL);
  CHECK (strstr (message, "damaged"));
  CHECK (open_given (t->data, 20, name, 1, message) == -EINVAL);
  free (damaged);
  dictionary_drop (t);
}

/* Large ones, which every level must be able to use or refuse. */
static void
test_large (void)
{
  static const size_t sizes[] = { 120000, 300000, ZRAM_DICTIONARY_MAX };
  struct dictionary *t = world_dictionary (codec, 1, PAGE, 1);
  char *data = malloc (ZRAM_DICTIONARY_MAX), message[ZRAM_MESSAGE_MAX];
  unsigned used = 0;
  size_t i, n;
  int level;

  memcpy (data, t->data, t->bytes);
  for (n = t->bytes; n + PAGE < ZRAM_DICTIONARY_MAX; n += PAGE)
    world_page ((unsigned char *) data + n, PAGE, 1, n);
  memset (data + n, 7, ZRAM_DICTIONARY_MAX - n);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i)
    for (level = -5; level <= 19; level += 4) {
      if (open_given (data, sizes[i], codec->info.name, level, message) < 0) {
        CHECK (strstr (message, "too large for this level"));
        continue;
      }
      put_many (0, 60, 1);
      put_many (60, 80, 2);
      check_pages (1);
      zram_close (d);
      used++;
    }
  printf ("%u of 21 large dictionaries are used\n", used);
  CHECK (used > 7);
  free (data);
  dictionary_drop (t);
}

int
main (void)
{
  if (!find_codec ())
    return 77;
  test_given ();
  test_large ();
  return 0;
}
