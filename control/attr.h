/* nbdkit-zram: the attributes of a disk, those of kernel zram in sysfs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One table says what there is.  The exports zramN/ATTRIBUTE, the commands
 * of the control export and its help come from it, and a test compares it
 * with the manual.
 */

#ifndef ZRAM_ATTR_H
#define ZRAM_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include "devices.h"
#include "strbuf.h"
#include "zram.h"

struct attr {
  const char *name;
  unsigned mode;                /* 0444 to read, 0200 to write, 0644 both;
                                   the kernel's, but for what it cannot do */
  const char *help;             /* one phrase */
  const char *values;           /* what can be written; NULL: nothing */

  /* Add its text, exactly as the kernel prints it.  0, or the error that
   * is in the text.  Waits for nothing.  NULL in a row that can be read: it
   * shows one statistic, or it is a listing.
   */
  int (*show) (const struct device_view *view, struct strbuf *text);

  /* Add as many lines as the text has room for, but no more than `lines',
   * each of at most ATTR_LINE_MAX bytes, for the pages from `from' on.  What
   * can be listed is long: it can be read from any page on, and the texts
   * that clients hold of it have memory of their own.
   */
  int (*list) (struct zram_disk *disk, uint64_t from, uint64_t lines,
               struct strbuf *text);

  /* Set it to a value, which has no white space around it.  -errno, and
   * message says what is wrong and what would be right.
   */
  int (*store) (struct zram_disk *disk, const char *value,
                char message[ZRAM_MESSAGE_MAX]);

  /* Return whether this value would take data away from clients; the caller
   * then sets it only while none is connected.  NULL: no value would.
   */
  bool (*harms_clients) (const struct zram_disk *disk, const char *value);

  /* What else can be done where clients are in the way; NULL: wait. */
  const char *busy_hint;
};

/* Return attribute n, in the order to show them; NULL past the last. */
extern const struct attr *attr_get (unsigned n);

/* Return the attribute of that name; NULL: there is none. */
extern const struct attr *attr_find (const char *name);
extern const struct attr *attr_find_n (const char *name, size_t length);

#define ATTR_READ 0444u
#define ATTR_WRITE 0222u

/* Bytes of a line of a listing, at most. */
#define ATTR_LINE_MAX 40

/* Add the text of one that can be read.  0, or the error that is in it. */
extern int attr_show (const struct attr *attr,
                      const struct device_view *view, struct strbuf *text);

#endif /* ZRAM_ATTR_H */
