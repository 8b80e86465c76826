/* nbdkit-zram: texts about all devices together.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Each is an export of its own, and what `show NAME' answers.
 */

#ifndef ZRAM_REPORT_H
#define ZRAM_REPORT_H

#include "strbuf.h"

enum report_id { REPORT_JSON, REPORT_METRICS, REPORTS };

struct report {
  const char *name;
  const char *help;             /* one phrase */

  /* Add the text.  Return 0, or the error that is in the text. */
  int (*add) (struct strbuf *text);
};

/* Return a report by number or by name; NULL if there is none. */
extern const struct report *report_get (unsigned n);
extern const struct report *report_find (const char *name);

/* Most bytes that a report needs for each device, and for the rest of it. */
#define REPORT_MAX 20480

#endif /* ZRAM_REPORT_H */
