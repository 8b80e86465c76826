/* nbdkit-zram: the parameters of one device, KEY=VALUE.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The command line and the command hot_add have the same keys, values and
 * messages.  One table in settings.c lists them; --help is printed from it.
 */

#ifndef ZRAM_SETTINGS_H
#define ZRAM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quote.h"
#include "zram.h"

/* The keys, in the order of the table and of --help. */
enum setting {
  SETTING_SIZE, SETTING_ALGO, SETTING_LEVEL, SETTING_PAGE_SIZE,
  SETTING_MEM_LIMIT, SETTING_TRACK_ACCESS, SETTING_SWAP,
  SETTING_SWAP_RESERVE, SETTING_DICTIONARY, SETTING_LATE, SETTING_UPKEEP,
  SETTINGS
};

/* The parameters given for one device.  The strings in given belong to the
 * caller.
 */
struct settings {
  const char *given[SETTINGS];  /* NULL: not given */
  struct zram_params params;
  char algo[QUOTE_MAX];
  bool from_client;             /* no file is opened: one that a client names
                                   is refused */
  void *dictionary;             /* what was read of a file; NULL: nothing */
};

/* Free what settings_complete has read.  The engine has a copy then. */
extern void settings_free (struct settings *settings);

#define SETTINGS_MESSAGE_MAX 512

/* Return whether a given key means this key.  In the given key, underscores
 * count as dashes.
 */
extern bool settings_same_key (const char *key, const char *given);

/* Return a key, the text that stands for its value in help, and its help. */
extern const char *settings_key (enum setting n);
extern const char *settings_value (enum setting n);
extern const char *settings_help (enum setting n);

/* Write a line to message that quotes a key and its value and says what is
 * wrong.  Return -1.
 */
extern int settings_refuse (char message[SETTINGS_MESSAGE_MAX],
                            const char *key, const char *value,
                            const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* Set one parameter.  -1 with a message.  If no_such_key is not NULL, write to
 * it whether the key is unknown: the caller may know more keys, and add them
 * to the message.
 */
extern int settings_set (struct settings *settings, const char *key,
                         const char *value, bool *no_such_key,
                         char message[SETTINGS_MESSAGE_MAX]);

/* Copy from `others' the parameters that were not given.  A level is copied
 * only with its codec, a reserve not if swap=false, and late pages not if
 * swap=true.
 */
extern void settings_inherit (struct settings *settings,
                              const struct settings *others);

/* Check the parameters together, after the last one.  -1 with a message.  On 0,
 * settings->params is ready for the engine; it points into settings.
 */
extern int settings_complete (struct settings *settings,
                              char message[SETTINGS_MESSAGE_MAX]);

/* settings-late.c: read late=; and check it when size, swap and limit are
 * known.
 */
extern int settings_parse_late (struct settings *settings, const char *key,
                                const char *value,
                                char message[SETTINGS_MESSAGE_MAX]);
extern int settings_complete_late (struct settings *settings,
                                   char message[SETTINGS_MESSAGE_MAX]);

#endif /* ZRAM_SETTINGS_H */
