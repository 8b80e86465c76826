/* Test of ctl/server-json.c: what a server says is bounded, and a
 * server under the same kernel is known.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "testlib.h"

#include "../ctl/client.h"
#include "../ctl/message.h"
#include "../ctl/must.h"
#include "../ctl/server-json.h"
#include "boot.h"

/* There is no server here. */
int
client_json (const char *uri, char **json)
{
  (void) uri;
  *json = NULL;
  return fault ("none");
}

/* n times what, between two texts. */
static char *
repeat (const char *before, const char *what, size_t n, const char *after)
{
  size_t length = strlen (what), start = strlen (before);
  char *text = must_alloc (start + n * length + strlen (after), 1);
  size_t i;

  strcpy (text, before);
  for (i = 0; i < n; i++)
    memcpy (text + start + i * length, what, length);
  strcpy (text + start + n * length, after);
  return text;
}

static void
check_refused (char *text, const char *why)
{
  struct server s;

  if (server_parse (text, &s) == 0)
    fail ("taken: %.60s", text);
  if (!strstr (fault_text (), why))
    fail ("%.60s: %s", text, fault_text ());
  free (text);
}

static void
test_bounds (void)
{
  static const char begins[] = "{\"devices\":[";
  struct server s;
  char *text;

  text = repeat (begins, "{\"name\":\"zram0\"},", 1023,
                 "{\"name\":\"zram1\"}]}");
  if (server_parse (text, &s) < 0)
    fail ("1024 devices: %s", fault_text ());
  CHECK (s.n == 1024 && server_find (&s, "zram1") == server_device (&s, 1023));
  server_free (&s);
  free (text);
  check_refused (repeat (begins, "{\"name\":\"zram0\"},", 1024,
                         "{\"name\":\"zram1\"}]}"), "1025 devices");
  check_refused (repeat (begins, "{\"name\":\"zram0\"},", 200000,
                         "{\"name\":\"zram1\"}]}"), "too many members");
  check_refused (repeat ("", "[", 50000, ""), "no JSON");
  check_refused (repeat ("{\"devices\":[{\"name\":\"", "x", 65, "\"}]}"),
                 "is none");
  check_refused (repeat ("{\"devices\":[{\"name\":\"", "x", 1 << 22,
                         "\"}]}"), "is none");
}

static void
test_long_texts (void)
{
  char *text = repeat ("{\"devices\":[{\"name\":\"a\",\"algorithm\":\"", "y",
                       1 << 20, "\"}]}"), *shown;
  struct server s;

  if (server_parse (text, &s) < 0)
    fail ("a long text: %s", fault_text ());
  shown = device_text (server_device (&s, 0), "algorithm");
  CHECK (shown && strlen (shown) == 256);
  free (shown);
  server_free (&s);
  free (text);
}

static void
check_kernel (const char *boot, bool same)
{
  char *text = must_printf ("{%s%s%s\"devices\":[]}", boot ? "\"boot\":\"" : "",
                            boot ? boot : "", boot ? "\"," : "");
  struct server s;

  if (server_parse (text, &s) < 0)
    fail ("%s: %s", text, fault_text ());
  if (server_same_kernel (&s) != same)
    fail ("%s is %s", text, same ? "not the same" : "the same");
  server_free (&s);
  free (text);
}

int
main (void)
{
  test_bounds ();
  test_long_texts ();
  check_kernel (boot_mark (), *boot_mark () != '\0');
  check_kernel ("", false);
  check_kernel ("0000000000000000", false);
  check_kernel (NULL, false);
  return 0;
}
