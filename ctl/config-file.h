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

/* Read a file; NULL is a file without settings.  -1 with a fault. */
extern int config_read (const char *path, struct config *c);
extern void config_free (struct config *c);

/* Let a function check each of the tool's own settings, alone in otherwise
 * empty options.  -1 with its fault, after the place in the file.
 */
typedef int config_checker (const struct options *o);
extern int config_check (const struct config *c, config_checker *fn);

/* Put the place of the i-th parameter of the plugin before the fault.  Return
 * -1.
 */
extern int config_blame (const struct config *c, size_t i);

/* Fill in the options that the command line does not set.  The texts belong to
 * c.
 */
extern void config_options (const struct config *c, struct options *o);

/* Begin a command: check the options, read the file that they name, and put
 * both together.  c is to be freed in any case.  Return an exit status.
 */
extern int config_take (const struct options *o, config_checker *check,
                        struct config *c, struct options *with);

/* Return the value of a key that is for serve alone, "threads" or
 * "max-clients".  NULL: it is not set.
 */
extern const char *config_serve (const struct config *c, const char *key);
/* Return the i-th parameter of the plugin, "KEY=VALUE".  NULL past the last.
 */
extern const char *config_parameter (const struct config *c, size_t i);

#endif /* CONFIG_FILE_H */
