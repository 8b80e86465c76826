/* nbdkit-zram: upkeep as people write it, and as the manual has it.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Every number is read in its range and refused beyond, with a message that
 * says what would be right; what is written is read back; and the manual's
 * table is the engine's.
 */

#include <config.h>

#include "../control/upkeep-setting.h"
#include "testlib.h"

static struct zram_upkeep u;
static char message[ZRAM_MESSAGE_MAX];

static void
refused (const char *text, const char *why)
{
  *message = '\0';
  CHECK (upkeep_setting_parse (text, &u, message) == -1);
  if (!strstr (message, why))
    fail ("%s: '%s' does not say '%s'", text, message, why);
}

static void
test_words (void)
{
  struct zram_upkeep usual = zram_upkeep_usual ();
  char text[2000];

  CHECK (upkeep_setting_parse ("off", &u, message) == 0 && !u.on);
  CHECK (upkeep_setting_parse ("auto", &u, message) == 0 && u.on);
  CHECK (memcmp (u.n, usual.n, sizeof u.n) == 0);
  CHECK (upkeep_setting_parse ("auto,cold=2d,cpu=20%,least=1M,speed=60", &u,
                               message) == 0);
  CHECK (u.n[ZRAM_UPKEEP_COLD] == 172800 && u.n[ZRAM_UPKEEP_CPU] == 20);
  CHECK (u.n[ZRAM_UPKEEP_LEAST] == 1 << 20 && u.n[ZRAM_UPKEEP_SPEED] == 60);
  CHECK (u.n[ZRAM_UPKEEP_SHORT] == usual.n[ZRAM_UPKEEP_SHORT]);
  refused ("", "must be off or auto");
  refused ("Auto", "must be off or auto");
  refused ("on", "must be off or auto");
  refused ("off,cpu=1%", "must be off or auto");
  refused ("auto ", "must be off or auto");
  refused ("auto,", "'' is not known; there are idle-min, ");
  refused ("auto,cpu", "cpu=: must be a percentage from 1% to 100%");
  refused ("auto,cpu=1%,,", "'' is not known");
  refused ("auto,Cpu=1%", "'Cpu' is not known");
  refused ("auto,cpu=1%,cold=1d,cpu=1%", "cpu is given twice");
  refused ("auto,\x01\n=1", "\\x01\\x0a");
  memset (text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  refused (text, "must be off or auto");
  memcpy (text, "auto,", 5);
  refused (text, "must be off or auto");
  text[400] = '\0';
  refused (text, "is not known");
}

static void
test_values (void)
{
  static const char *const bad[] = {
    "cold=1", "cold=h", "cold=", "cold=1w", "cold=-1h", "cold=1.5h",
    "cold=366d", "cold=0s", "cold=1h2m", "cold=99999999999999999999d",
    "cold=213503982334602d", "cpu=5", "cpu=0%", "cpu=101%", "cpu=5.5%",
    "level=0", "level=20", "level=6s", "gain=0", "gain=1M", "least=99T",
    "speed=0", "speed=10001", "speed=0x10", "pressure=-1%",
  };
  char text[64];
  unsigned i;

  for (i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    snprintf (text, sizeof text, "auto,%s", bad[i]);
    refused (text, " from ");
    CHECK (strstr (message, " to "));
  }
}

static void
test_read_back (void)
{
  const struct zram_upkeep_info *info;
  char text[128], number[UPKEEP_SETTING_MAX];
  unsigned i, k;

  for (i = 0; (info = zram_upkeep_info (i)) != NULL; ++i) {
    const uint64_t values[] = { info->min, info->usual, info->max };

    for (k = 0; k < 3; ++k) {
      snprintf (text, sizeof text, "auto,%s=%s", info->key,
                upkeep_setting_number (i, values[k], number));
      CHECK (upkeep_setting_parse (text, &u, message) == 0);
      CHECK (u.n[i] == values[k]);
    }
  }
  CHECK (i == ZRAM_UPKEEP_NUMBERS);
}

/* " KEY  DEFAULT  MEANING", in the order of the engine. */
static void
test_manual (void)
{
  const struct zram_upkeep_info *info;
  char file[4096], line[256], key[64], number[64];
  char usual[UPKEEP_SETTING_MAX];
  unsigned i = 0;
  FILE *fp;

  snprintf (file, sizeof file, "%s/man/nbdkit-zram-plugin.pod",
            getenv ("abs_top_srcdir") ? getenv ("abs_top_srcdir") : "..");
  fp = fopen (file, "r");
  CHECK (fp);
  while (fgets (line, sizeof line, fp) &&
         strcmp (line, " key         default  meaning\n") != 0)
    ;
  for (; (info = zram_upkeep_info (i)) != NULL; ++i) {
    CHECK (fgets (line, sizeof line, fp));
    CHECK (sscanf (line, " %63s %63s", key, number) == 2);
    upkeep_setting_number (i, info->usual, usual);
    if (strcmp (key, info->key) != 0 || strcmp (number, usual) != 0)
      fail ("the manual has %s %s for %s %s", key, number, info->key, usual);
  }
  CHECK (fgets (line, sizeof line, fp) && *line == '\n');
  fclose (fp);
}

int
main (void)
{
  test_words ();
  test_values ();
  test_read_back ();
  test_manual ();
  return 0;
}
