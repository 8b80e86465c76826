/* nbdzramctl: setting devices up in zramctl's words.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * -f -s SIZE makes a device, where zramctl looks for an unused one: a device
 * of ours always has a size.  DEVICE -s SIZE resizes, and keeps the data
 * that zramctl would throw away.
 */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "message.h"
#include "must.h"
#include "number.h"

/* Check the options before a server is asked.  Return an exit status. */
static int
setup_check (const struct options *o, uint64_t *size)
{
  uint64_t n;

  *size = 0;
  if (o->size && (number_size (o->size, NUMBER_SECTORS, size) < 0 ||
                  *size == 0))
    return usage ("-s %s: not a size; say for example 512M or 1.5G",
                  o->size);
  if (o->params && !strchr (o->params, '='))
    return usage ("-p %s: must be KEY=VALUE, as in level=3", o->params);
  if (o->streams) {
    if (number_count (o->streams, 0, &n) < 0 || n == 0)
      return usage ("-t %s: not a number of streams", o->streams);
    /* Linux ignores it since 4.7, but scripts still use it. */
    complain ("-t does nothing: the server has as many streams as it"
              " needs, up to four for each processor");
  }
  return EXIT_OK;
}

int
command_find (const struct options *o, int argc, char **argv)
{
  char size_word[64], *algorithm, *params, *words[3];
  uint64_t size;
  int n = 0, r;

  if (argc)
    return usage ("-f makes a new device: %s cannot be named", argv[0]);
  if (!o->size)
    return usage ("-f needs -s SIZE, the size of the device to be made");
  r = setup_check (o, &size);
  if (r != EXIT_OK)
    return r;
  snprintf (size_word, sizeof size_word, "size=%" PRIu64, size);
  algorithm = must_printf ("algo=%s", o->algorithm ? o->algorithm : "");
  params = must_copy (o->params ? o->params : "");
  words[n++] = size_word;
  if (o->algorithm)
    words[n++] = algorithm;
  if (o->params)
    words[n++] = params;
  r = command_add (o, n, words);
  free (params);
  free (algorithm);
  return r;
}

static int
setup_set (const struct options *o, const char *name, const char *attribute,
           const char *value)
{
  char *words[3] = { must_copy (name), must_copy (attribute),
                     must_copy (value) };
  int i, r = command_set (o, 3, words);

  for (i = 0; i < 3; i++)
    free (words[i]);
  return r;
}

/* Change the algorithm first, then the size, as zramctl does.  -a and -p are
 * sent as one command, so that neither is done if they contradict each other.
 */
int
command_setup (const struct options *o, int argc, char **argv)
{
  char *params;
  uint64_t size;
  int r;

  if (argc != 1)
    return usage (argc ? "-s, -a, -p and -t take one device"
                       : "which device? say zram0, or -f for a new one");
  r = setup_check (o, &size);
  if (r == EXIT_OK && o->algorithm && o->params) {
    params = must_printf ("algo=%s %s", o->algorithm, o->params);
    r = setup_set (o, argv[0], "algorithm_params", params);
    free (params);
  }
  else if (r == EXIT_OK && o->algorithm)
    r = setup_set (o, argv[0], "comp_algorithm", o->algorithm);
  else if (r == EXIT_OK && o->params)
    r = setup_set (o, argv[0], "algorithm_params", o->params);
  if (r == EXIT_OK && o->size) {
    params = must_printf ("%" PRIu64, size);
    r = setup_set (o, argv[0], "disksize", params);
    free (params);
  }
  return r;
}
