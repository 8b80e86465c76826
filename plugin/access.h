/* nbdkit-zram: who may write to the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_ACCESS_H
#define ZRAM_ACCESS_H

#include <stdbool.h>

#include "text-copy.h"

enum control {
  CONTROL_LOCAL,                /* root or our uid, on a Unix socket */
  CONTROL_TLS,                  /* the same, and clients with TLS */
  CONTROL_RW,                   /* everybody */
  CONTROL_RO,                   /* nobody */
  CONTROL_OFF                   /* nobody; the export does not exist */
};

/* Return whether the client of the connection that is being opened may write
 * to the control export.
 */
extern bool access_granted (enum control control);

/* Return which kind of client that is: it decides whose memory its texts
 * use.
 */
extern enum asker access_asker (enum control control);

#endif /* ZRAM_ACCESS_H */
