/* nbdkit-zram: statistics as JSON.
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers are whole, and keys are always there.  No string needs to be
 * escaped: they are names of devices and codecs.
 */

#ifndef ZRAM_JSON_H
#define ZRAM_JSON_H

#include "devices.h"
#include "strbuf.h"

/* Add one device as an object in one line, without a newline.  Return 0, or
 * the error that is in the text.
 */
extern int json_device (const struct device_view *view, struct strbuf *text);

/* Add {"version":"0.1","boot":"...","parallel":BOOL,"devices":[...]} and a
 * newline.  Return 0, or the error that is in the text.
 */
extern int json_devices (struct strbuf *text);

#endif /* ZRAM_JSON_H */
