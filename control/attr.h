/* nbdkit-zram: the attributes of a disk, as kernel zram has them in sysfs.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * One table lists all attributes.  The exports zramN/ATTRIBUTE, the commands
 * of the control export and its help are made from it, and a test compares it
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
                                   the kernel's, with the differences that
                                   nbdkit-zram-control(7) lists */
  const char *help;             /* one phrase */
  const char *values;           /* the values to write; NULL: none */
  bool optional;                /* it can be written without a value too */

  /* Add its text, exactly as the kernel prints it, without ever waiting.
   * Return 0, or the error that is in the text.  NULL for an attribute that
   * shows one statistic, is a listing, or cannot be read.
   */
  int (*show) (const struct device_view *view, struct strbuf *text);

  /* Add the lines of a listing for the pages from `from' on: as many as the
   * text has room for, but at most `lines', each of at most ATTR_LINE_MAX
   * bytes.  Listings are long, so they can be read from any page on, and
   * have a memory budget of their own.
   */
  int (*list) (struct zram_disk *disk, uint64_t from, uint64_t lines,
               struct strbuf *text);

  /* Set the attribute to a value that has no white space around it.  On
   * -errno, message says what is wrong and what would be right; on 0 it may
   * say what was done.
   */
  int (*store) (struct zram_disk *disk, const char *value,
                char message[ZRAM_MESSAGE_MAX]);

  /* Return whether this value would take data away from clients.  The caller
   * then sets it only while no client is connected.  NULL: no value would.
   */
  bool (*harms_clients) (const struct zram_disk *disk, const char *value);

  /* What to do instead if clients are connected, for a message; NULL: wait. */
  const char *busy_hint;
};

/* Return attribute n, in the order in which to show attributes; NULL past the
 * last.
 */
extern const struct attr *attr_get (unsigned n);

/* Return the attribute of that name; NULL if there is none. */
extern const struct attr *attr_find (const char *name);
extern const struct attr *attr_find_n (const char *name, size_t length);

#define ATTR_READ 0444u
#define ATTR_WRITE 0222u

/* Most bytes in a line of a listing. */
#define ATTR_LINE_MAX 40

/* Add the text of an attribute that can be read.  Return 0, or the error that
 * is in the text.
 */
extern int attr_show (const struct attr *attr,
                      const struct device_view *view, struct strbuf *text);

#endif /* ZRAM_ATTR_H */
