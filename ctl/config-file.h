/* nbdzramctl: a file that describes a server and how to swap to it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "commands.h"

struct config {
  const char *path;
  struct setting *settings;     /* in the order of the file */
  size_t n;
};

/* No file, NULL, has no settings.  -1 with a fault. */
extern int config_read (const char *path, struct config *c);
extern void config_free (struct config *c);

/* Let a function look at each of the tool's own settings, alone in otherwise
 * empty options.  -1 with its fault, and where in the file that is.
 */
typedef int config_checker (const struct options *o);
extern int config_check (const struct config *c, config_checker *fn);

/* Say where the i-th parameter of the plugin is, before the fault; -1. */
extern int config_blame (const struct config *c, size_t i);

/* Fill in what the command line does not say.  The texts belong to c. */
extern void config_options (const struct config *c, struct options *o);

/* The value of a key that is for serve alone, "threads" or "max-clients"; or
 * NULL.
 */
extern const char *config_serve (const struct config *c, const char *key);
/* The parameters of the plugin, "KEY=VALUE"; NULL after the last. */
extern const char *config_parameter (const struct config *c, size_t i);

#endif /* CONFIG_FILE_H */
