/* nbdzramctl: a file that describes a server and how to swap to it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "ctl.h"

struct config {
  struct setting *settings;     /* in the order of the file */
  size_t n;
};

/* No file, NULL, has no settings.  -1 with a fault. */
extern int config_read (const char *path, struct config *c);
extern void config_free (struct config *c);

/* Fill in what the command line does not say.  The texts belong to c. */
extern void config_options (const struct config *c, struct options *o);

/* nbdkit's threads a connection, or NULL. */
extern const char *config_threads (const struct config *c);
/* The parameters of the plugin, "KEY=VALUE"; NULL after the last. */
extern const char *config_parameter (const struct config *c, size_t i);

#endif /* CONFIG_FILE_H */
