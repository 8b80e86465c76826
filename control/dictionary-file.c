/* nbdkit-zram: a dictionary in a file.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dictionary-file.h"

_Static_assert (ZRAM_DICTIONARY_MAX == 1 << 20, "the message says so");

static void *
dictionary_file_refuse (char message[ZRAM_MESSAGE_MAX], const char *why)
{
  snprintf (message, ZRAM_MESSAGE_MAX, "%s", why);
  return NULL;
}

/* All of it, which may become shorter meanwhile. */
static void *
dictionary_file_load (int fd, size_t size, size_t *bytes,
                      char message[ZRAM_MESSAGE_MAX])
{
  char *data = malloc (size);
  ssize_t n = 1;

  if (!data)
    return dictionary_file_refuse (message, "not enough memory to read it");
  for (*bytes = 0; *bytes < size && n != 0; *bytes += (size_t) n) {
    n = read (fd, data + *bytes, size - *bytes);
    if (n < 0) {
      free (data);
      return dictionary_file_refuse (message, strerror (errno));
    }
  }
  return data;
}

static void *
dictionary_file_check (int fd, size_t *bytes, char message[ZRAM_MESSAGE_MAX])
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return dictionary_file_refuse (message, strerror (errno));
  if (!S_ISREG (st.st_mode))
    return dictionary_file_refuse (message, "not a regular file; must be auto,"
                                   " off or a file made by zstd --train");
  if (st.st_size == 0)
    return dictionary_file_refuse (message, "the file is empty");
  if ((uint64_t) st.st_size > ZRAM_DICTIONARY_MAX)
    return dictionary_file_refuse (message, "too large: a dictionary has at"
                                   " most 1M");
  return dictionary_file_load (fd, (size_t) st.st_size, bytes, message);
}

/* Not to wait for anybody, whatever it is. */
void *
dictionary_file_read (const char *file, size_t *bytes,
                      char message[ZRAM_MESSAGE_MAX])
{
  int fd = open (file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  void *data;

  if (fd < 0) {
    snprintf (message, ZRAM_MESSAGE_MAX, "%s; must be auto, off or a file made"
              " by zstd --train", strerror (errno));
    return NULL;
  }
  data = dictionary_file_check (fd, bytes, message);
  close (fd);
  return data;
}
