/* nbdkit-zram: values of attributes that are KEY=VALUE KEY=VALUE...
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_ATTR_PARAMS_H
#define ZRAM_ATTR_PARAMS_H

#include <stddef.h>

#include "algorithm.h"
#include "zram.h"

/* How messages quote a value, which may be too long for one. */
#define QUOTED "'%.64s'"

/* Write a message, and return -EINVAL. */
extern int attr_refuse (char message[ZRAM_MESSAGE_MAX], const char *format,
                        ...) __attribute__ ((format (printf, 2, 3)));

/* The longest value that attr_params takes. */
#define ATTR_PARAMS_MAX 512

/* A key, and what to do with its value.  -errno with a message. */
struct attr_param {
  const char *key;
  int (*set) (void *opaque, const char *value,
              char message[ZRAM_MESSAGE_MAX]);
};

/* Take a value apart: any number of KEY=VALUE, in any order, with spaces
 * between, VALUE perhaps in double quotes; and set each.  None may be given
 * twice.  help says which there are.  buf holds what the values refer to.
 * -errno with a message.
 */
extern int attr_params (const char *value, const struct attr_param *params,
                        size_t n, const char *help, void *opaque,
                        char buf[ATTR_PARAMS_MAX],
                        char message[ZRAM_MESSAGE_MAX]);

/* Understand NAME or NAME:LEVEL; the name is not looked up.  -EINVAL with a
 * message.
 */
extern int attr_algorithm (struct algorithm *a, const char *value,
                           char message[ZRAM_MESSAGE_MAX]);

#endif /* ZRAM_ATTR_PARAMS_H */
