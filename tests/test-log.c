/* Test of plugin/log.c: which failures are logged, and that nothing a
 * client sends can do harm in a log.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "../control/log-thread.h"
#include "../plugin/log.h"
#include "../control/quote.h"
#include "../control/rate-limit.h"

#define CHECK(what)                                                     \
  do {                                                                  \
    if (!(what)) {                                                      \
      fprintf (stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);       \
      exit (EXIT_FAILURE);                                              \
    }                                                                   \
  } while (0)

#define SECOND UINT64_C (1000000000)

static unsigned lines;
static char line[512];

/* Held by a test that wants the log to be slow. */
static pthread_mutex_t slow = PTHREAD_MUTEX_INITIALIZER;
static pthread_t writer;
static _Atomic bool entered;

/* In nbdkit's place. */
void
nbdkit_error (const char *fmt, ...)
{
  va_list args;

  entered = true;
  pthread_mutex_lock (&slow);
  va_start (args, fmt);
  vsnprintf (line, sizeof line, fmt, args);
  va_end (args);
  lines++;
  writer = pthread_self ();
  pthread_mutex_unlock (&slow);
}

/* One line a second, however dense the events, and all are counted. */
static void
test_one_a_second (void)
{
  struct rate_limit limit = { .pause = SECOND };
  uint64_t now, held_back, passed = 0, told = 0;

  for (now = 0; now < 10 * SECOND; now += SECOND / 100) {
    if (rate_limit_pass (&limit, now, &held_back)) {
      CHECK (now % SECOND == 0);
      CHECK (held_back == (now ? 99 : 0));
      passed++;
      told += held_back;
    }
  }
  CHECK (passed == 10);
  CHECK (passed + told + limit.held_back == 1000);

  /* After silence at once. */
  CHECK (rate_limit_pass (&limit, 100 * SECOND, &held_back));
  CHECK (held_back == 99);
}

/* One line for as long as the events go on; the next after a pause. */
static void
test_one_a_burst (void)
{
  struct rate_limit limit = { .pause = SECOND, .one_line_a_burst = true };
  uint64_t now, held_back;

  for (now = 7; now < 10 * SECOND; now += SECOND / 2)
    CHECK (rate_limit_pass (&limit, now, &held_back) == (now == 7));
  now -= SECOND / 2;            /* the last event */
  CHECK (!rate_limit_pass (&limit, now + SECOND - 1, &held_back));
  CHECK (rate_limit_pass (&limit, now + 2 * SECOND - 1, &held_back));
  CHECK (held_back == 20);
  CHECK (!rate_limit_pass (&limit, now + 2 * SECOND, &held_back));
}

/* Kinds of failure are apart, and each line has all there is to know. */
static void
test_failures (void)
{
  unsigned i;

  for (i = 0; i < 1000; i++)
    log_failure ("write", 4096, 8192, ENOSPC);
  CHECK (lines == 1);
  CHECK (strstr (line, "write of 4096 bytes at 8192: "));
  CHECK (strstr (line, "mem-limit"));
  CHECK (strstr (line, strerror (ENOSPC)));
  log_failure ("read", 1, UINT64_C (1) << 43, EIO);
  CHECK (lines == 2);
  CHECK (strstr (line, "read of 1 bytes at 8796093022208: "));
  CHECK (strstr (line, strerror (EIO)));
  log_failure ("write", 4096, 0, ENOMEM);
  CHECK (lines == 3 && strstr (line, strerror (ENOMEM)));
  log_failure ("write", 4096, 0, EINVAL);
  CHECK (lines == 4 && strstr (line, strerror (EINVAL)));
  log_failure ("write", 4096, 0, ENOSPC);
  CHECK (lines == 4);
}

/* One line a second of what clients ask for in vain, and fit to print. */
static void
test_refusals (void)
{
  unsigned i;

  lines = 0;
  log_refusal ("export", "\x1b[2J\nforged", "there is no such\nexport");
  CHECK (lines == 1);
  CHECK (strcmp (line, "export \"\\x1b[2J\\x0aforged\": there is no such"
                 "\\x0aexport") == 0);
  for (i = 0; i < 1000; i++)
    log_refusal ("command", "x", "y");
  CHECK (lines <= 2);
}

static void
test_text (void)
{
  char buf[QUOTE_MAX], longest[QUOTE_MAX * 5];
  size_t room = QUOTE_MAX - 4, i;

  CHECK (strcmp (quote ("", buf), "") == 0);
  CHECK (strcmp (quote ("zram0/mm_stat ~", buf), "zram0/mm_stat ~") == 0);
  CHECK (strcmp (quote ("\x01\x1f\n\x7f\\\x80\xff", buf),
                 "\\x01\\x1f\\x0a\\x7f\\x5c\\x80\\xff") == 0);

  /* At the end of the buffer: nothing is cut that would fit. */
  for (i = 1; i < sizeof longest; i++) {
    memset (longest, 'x', i);
    longest[i] = '\0';
    quote (longest, buf);
    CHECK (strlen (buf) == (i <= room ? i : room + 3));
    CHECK (i <= room ? strcmp (buf, longest) == 0
           : strcmp (buf + room, "...") == 0);
  }
  for (i = 1; i < sizeof longest; i++) {
    memset (longest, '\n', i);
    longest[i] = '\0';
    quote (longest, buf);
    CHECK (strlen (buf) == (i <= room / 4 ? i * 4 : room / 4 * 4 + 3));
    CHECK (!strchr (buf, '\n'));
  }
}

/* With the thread for it, nobody waits for a log that does not move; what
 * finds no room is counted, and all that did is written before the end.
 */
static void
test_later (void)
{
  char text[32];
  unsigned i;

  CHECK (!log_thread_say ("to nobody"));
  CHECK (log_thread_start (log_line) == 0);
  lines = 0;
  pthread_mutex_lock (&slow);
  entered = false;
  alarm (60);                   /* no line should wait for another */
  for (i = 0; i < 100; i++) {
    snprintf (text, sizeof text, "line %u", i);
    CHECK (log_thread_say (text));
    while (!entered)
      usleep (100);
  }
  pthread_mutex_unlock (&slow);
  log_thread_stop ();
  alarm (0);
  CHECK (lines == 9);           /* the first had been taken */
  CHECK (strcmp (line, "line 8") == 0);
  CHECK (!log_thread_say ("to nobody"));

  /* Again, and the lost ones are told with the next that is not. */
  CHECK (log_thread_start (log_line) == 0);
  lines = 0;
  CHECK (log_thread_say ("after them"));
  log_thread_stop ();
  CHECK (lines == 1 && strcmp (line, "after them (and 91 lines lost"
                               " before)") == 0);
  CHECK (!pthread_equal (writer, pthread_self ()));

  /* A failure goes that way, when a second has passed since the last. */
  CHECK (log_thread_start (log_line) == 0);
  lines = 0;
  writer = pthread_self ();
  usleep (1100000);
  log_failure ("zero", 512, 1024, EIO);
  log_thread_stop ();
  CHECK (lines == 1 && strstr (line, "zero of 512 bytes at 1024: "));
  CHECK (!pthread_equal (writer, pthread_self ()));
}

int
main (void)
{
  test_one_a_second ();
  test_one_a_burst ();
  test_failures ();
  test_refusals ();
  test_text ();
  test_later ();
  return EXIT_SUCCESS;
}
