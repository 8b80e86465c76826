/* Test of ctl/message.c: a fault is one safe line of bounded length, and may
 * quote the fault before it.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include "testlib.h"

#include "../ctl/message.h"

static void
check_fault (const char *wanted)
{
  if (strcmp (fault_text (), wanted) != 0)
    fail ("the fault is '%s', not '%s'", fault_text (), wanted);
}

static void
test_quote (void)
{
  CHECK (fault ("it is %s", "red\x1b") == -1);
  check_fault ("it is red\\x1b");
  fault ("x.conf:%d: %s (%s)", 3, fault_text (), fault_text ());
  check_fault ("x.conf:3: it is red\\x1b (it is red\\x1b)");
  fault ("%s", fault_text () + strlen ("x.conf:3: "));
  check_fault ("it is red\\x1b (it is red\\x1b)");
}

/* What is added to a long fault is there, and so is how it began. */
static void
test_long (void)
{
  static const char end[] = "end: after";
  char text[5000];

  memset (text, '\n', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  fault ("begin %s end", text);
  CHECK (strlen (fault_text ()) > 900);
  fault ("before: %s: after", fault_text ());
  CHECK (strncmp (fault_text (), "before: begin ", 14) == 0);
  CHECK (strcmp (strstr (fault_text (), "end"), end) == 0);
  CHECK (strlen (fault_text ()) < 1024);
  CHECK (!strchr (fault_text (), '\n'));
}

int
main (void)
{
  test_quote ();
  test_long ();
  return 0;
}
