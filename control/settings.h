/* nbdkit-zram: what can be said of one device, KEY=VALUE.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * On nbdkit's command line and in the command hot_add: the same keys, the
 * same values, the same messages.  One table in settings.c says what there
 * is; --help is printed from it.
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

/* What was given of one device.  The values belong to the caller. */
struct settings {
  const char *given[SETTINGS];  /* NULL: nothing */
  struct zram_params params;
  char algo[QUOTE_MAX];
};

#define SETTINGS_MESSAGE_MAX 512

/* Dashes and underscores are the same. */
extern bool settings_same_key (const char *key, const char *given);

/* The table. */
extern const char *settings_key (enum setting n);
extern const char *settings_value (enum setting n);
extern const char *settings_help (enum setting n);

/* A line that says what is wrong with a value: -1. */
extern int settings_refuse (char message[SETTINGS_MESSAGE_MAX],
                            const char *key, const char *value,
                            const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* Set one.  -1 with a message, also if there is no such key; no_such_key,
 * if not NULL, tells that and leaves the message to the caller.
 */
extern int settings_set (struct settings *settings, const char *key,
                         const char *value, bool *no_such_key,
                         char message[SETTINGS_MESSAGE_MAX]);

/* Take from `others' what was not given.  A level belongs to the codec it
 * was given with, and a reserve to swap=true.
 */
extern void settings_inherit (struct settings *settings,
                              const struct settings *others);

/* Nothing more is to come: check them together.  -1 with a message.
 * The engine's parameters are settings->params then, which point into
 * settings.
 */
extern int settings_complete (struct settings *settings,
                              char message[SETTINGS_MESSAGE_MAX]);

#endif /* ZRAM_SETTINGS_H */
