/* nbdkit-zram: values of attributes that are KEY=VALUE KEY=VALUE...
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attr-params.h"

int
attr_refuse (char message[ZRAM_MESSAGE_MAX], const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (message, ZRAM_MESSAGE_MAX, format, args);
  va_end (args);
  return -EINVAL;
}

/* The functions here have the message at hand. */
#define refuse(...) attr_refuse (message, __VA_ARGS__)

int
attr_algorithm (struct algorithm *a, const char *value,
                char message[ZRAM_MESSAGE_MAX])
{
  if (algorithm_parse (value, a) < 0)
    return refuse (QUOTED ": what follows the colon must be the"
                   " level, a whole number", value);
  return 0;
}

/* What is taken apart. */
struct taking {
  const struct attr_param *params;
  size_t n;
  const char *help;
  unsigned seen;                /* a bit for each key */
};

/* Take the quotes off. */
static char *
attr_param_unquote (char *value)
{
  size_t n = strlen (value);

  if (n < 2 || value[0] != '"' || value[n - 1] != '"')
    return value;
  value[n - 1] = '\0';
  return value + 1;
}

/* Set one KEY=VALUE. */
static int
attr_param_set (struct taking *t, char *param, void *opaque,
                char message[ZRAM_MESSAGE_MAX])
{
  char *value = strchr (param, '=');
  size_t i;

  if (!value)
    return refuse (QUOTED " is not KEY=VALUE: there are %s", param, t->help);
  *value++ = '\0';
  value = attr_param_unquote (value);
  for (i = 0; i < t->n; ++i)
    if (strcmp (t->params[i].key, param) == 0)
      break;
  if (i == t->n)
    return refuse ("there is no " QUOTED " here: there are %s", param,
                   t->help);
  if (!*value)
    return refuse ("%s=: the value is missing", param);
  if (t->seen & 1u << i)
    return refuse ("%s is given twice", param);
  t->seen |= 1u << i;
  return t->params[i].set (opaque, value, message);
}

int
attr_params (const char *value, const struct attr_param *params, size_t n,
             const char *help, void *opaque, char buf[ATTR_PARAMS_MAX],
             char message[ZRAM_MESSAGE_MAX])
{
  struct taking t = { params, n, help, 0 };
  char *param, *rest = buf;
  int r = 0;

  if (strlen (value) >= ATTR_PARAMS_MAX)
    return refuse (QUOTED "... is too long: there are %s", value, help);
  strcpy (buf, value);
  while (r == 0 && (param = strtok_r (rest, " \t", &rest)) != NULL)
    r = attr_param_set (&t, param, opaque, message);
  return r;
}
