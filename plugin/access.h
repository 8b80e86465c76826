/* nbdkit-zram: who may write to the control export.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef ZRAM_ACCESS_H
#define ZRAM_ACCESS_H

#include <stdbool.h>

#include "text-copy.h"

enum control {
  CONTROL_LOCAL,                /* peers on a Unix socket: root or our uid */
  CONTROL_TLS,                  /* they, and whoever has started TLS */
  CONTROL_RW,                   /* everybody */
  CONTROL_RO,                   /* nobody */
  CONTROL_OFF                   /* the export is not there */
};

/* Return whether the client of the connection that is being opened may write
 * to it.
 */
extern bool access_granted (enum control control);

/* Return who that client is, for sharing out memory. */
extern enum asker access_asker (enum control control);

#endif /* ZRAM_ACCESS_H */
