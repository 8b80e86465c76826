/* nbdkit-zram: the exports that are text: attributes and statistics.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * The text is taken when the export is opened, and the export is exactly
 * as long as it, so that copying the export out is cat.
 */

#include <config.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "export.h"

static const char *
text_open (struct handle *h, const struct export_name *name)
{
  const char *why = text_copy_take (&h->copy, name,
                                    access_asker (export_control_access));

  if (!why)
    snprintf (h->description, sizeof h->description, "%s",
              name->attr ? name->attr->help : name->report->help);
  return why;
}

static void
text_close (struct handle *h)
{
  text_copy_free (&h->copy);
}

static uint64_t
text_size (const struct handle *h)
{
  return h->copy.text.len;
}

static bool
text_can_write (const struct handle *h)
{
  (void) h;
  return false;
}

static int
text_pread (struct handle *h, void *buf, uint32_t count, uint64_t offset)
{
  memcpy (buf, h->copy.text.data + offset, count);
  return 0;
}

const struct export export_text = {
  .open = text_open,
  .close = text_close,
  .size = text_size,
  .can_write = text_can_write,
  .pread = text_pread,
};
