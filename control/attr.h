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

#include "strbuf.h"
#include "zram.h"

/* What makes it safe to swap to the disk: a step that was taken, or not. */
struct swap_step {
  const char *name;
  bool vital;                   /* not safe without it */
  bool in_force;
};

/* Whose attributes: the disk, and what is known of it outside. */
struct device_view {
  struct zram_disk *disk;
  const char *name;             /* zram0 */
  unsigned clients;             /* connections that have the disk open */
  const struct swap_step *steps;        /* of the whole process */
  unsigned nsteps;
};

/* Is it safe to swap to the disk?  As a word: off (it is not meant to be),
 * unsafe, safe.  Step number n of it; false past the last.
 */
extern bool swap_view_safe (const struct device_view *device);
extern const char *swap_view_word (const struct device_view *device);
extern bool swap_view_step (const struct device_view *device, unsigned n,
                            struct swap_step *step);

struct attr {
  const char *name;
  unsigned mode;                /* 0444 to read, 0200 to write, 0644 both;
                                   the kernel's, but for what it cannot do */
  const char *help;             /* one phrase */
  const char *values;           /* what can be written; NULL: nothing */

  /* Add its text, exactly as the kernel prints it.  0, or the error that
   * is in the text.  Waits for nothing.
   */
  int (*show) (const struct device_view *device, struct strbuf *text);

  /* Set it.  What is wrong with a value, and what would be right, is put
   * in message.  The value has no NUL inside, and no white space around
   * it.
   */
  int (*store) (struct zram_disk *disk, const char *value,
                char message[ZRAM_MESSAGE_MAX]);

  /* Would this value take data away from whoever uses the disk?  NULL: no
   * value would.  The caller asks, and sees to it.
   */
  bool (*harms_clients) (const struct zram_disk *disk, const char *value);
};

/* In the order to show them; NULL past the last. */
extern const struct attr *attr_get (unsigned n);
extern const struct attr *attr_find (const char *name);

#define ATTR_READ 0444u
#define ATTR_WRITE 0222u

/* The lines of block_state for the slots from `from' on, as many as the
 * text has room for but no more than `lines'.
 */
#define ATTR_BLOCK_STATE_LINE 40
extern int attr_block_state (struct zram_disk *disk, uint64_t from,
                             uint64_t lines, struct strbuf *text);

/* The statistics of one disk as a JSON object in one line, without an end
 * of line.
 */
extern int json_device (const struct device_view *device, struct strbuf *text);

#endif /* ZRAM_ATTR_H */
