/* nbdkit-zram: the plugin's parameters, KEY=VALUE on nbdkit's command line.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * --help is printed from the tables in params.c and settings.c.
 */

#ifndef ZRAM_PARAMS_H
#define ZRAM_PARAMS_H

#include "access.h"
#include "devices.h"
#include "settings.h"

struct params {
  unsigned devices;             /* from 1 on */
  struct settings *device;      /* complete */
  enum control control;
};

/* The text for --help, which params_load writes. */
extern char params_help[];
extern void params_load (void);

/* Set one parameter.  -1 after an error has been printed. */
extern int params_set (const char *key, const char *value);

/* Check the parameters together, after the last one, and write them to
 * *params.  -1 after an error has been printed.
 */
extern int params_complete (struct params *params);

/* Print the plugin's lines for --dump-plugin. */
extern void params_dump (void);

#endif /* ZRAM_PARAMS_H */
