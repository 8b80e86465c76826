/* nbdkit-zram: what can be said of one device, KEY=VALUE.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * A command line and the command hot_add have the same keys, values and
 * messages.  One table in settings.c says what there is; --help is printed
 * from it.
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
  SETTING_SWAP_RESERVE, SETTINGS
};

/* What was said of one device.  The strings in given belong to the caller. */
struct settings {
  const char *given[SETTINGS];  /* NULL: nothing */
  struct zram_params params;
  char algo[QUOTE_MAX];
};

#define SETTINGS_MESSAGE_MAX 512

/* Compare a key with a given one, in which underscores count as dashes. */
extern bool settings_same_key (const char *key, const char *given);

/* Return what the table has: the key, what to write after =, and its help. */
extern const char *settings_key (enum setting n);
extern const char *settings_value (enum setting n);
extern const char *settings_help (enum setting n);

/* Write a line to message that quotes a key and its value and says what is
 * wrong.  Returns -1.
 */
extern int settings_refuse (char message[SETTINGS_MESSAGE_MAX],
                            const char *key, const char *value,
                            const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* Set one parameter.  -1 with a message.  no_such_key, if not NULL, says
 * whether the key was wrong: the caller may know more keys, and add them to
 * the message.
 */
extern int settings_set (struct settings *settings, const char *key,
                         const char *value, bool *no_such_key,
                         char message[SETTINGS_MESSAGE_MAX]);

/* Take from `others' what was not given.  But a level is taken only with its
 * codec, and a reserve not where swap=false.
 */
extern void settings_inherit (struct settings *settings,
                              const struct settings *others);

/* Check the parameters together, when no more are to come.  -1 with a
 * message.  Else settings->params can be given to the engine; it points into
 * settings.
 */
extern int settings_complete (struct settings *settings,
                              char message[SETTINGS_MESSAGE_MAX]);

#endif /* ZRAM_SETTINGS_H */
