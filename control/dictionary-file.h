/* nbdkit-zram: a dictionary in a file.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_DICTIONARY_FILE_H
#define ZRAM_DICTIONARY_FILE_H

#include <stddef.h>

#include "zram.h"

/* Read a file, which the command line names.  What it holds, to be freed; NULL
 * with a message.
 */
extern void *dictionary_file_read (const char *file, size_t *bytes,
                                   char message[ZRAM_MESSAGE_MAX]);

#endif /* ZRAM_DICTIONARY_FILE_H */
