/* nbdzramctl: is a server in the hands of somebody who is not trusted?
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef TRUST_H
#define TRUST_H

#include "attach.h"

/* Refuse servers of this machine that an ordinary user runs or could replace:
 * he could read and change what is kept there.  -1 with a fault.
 */
extern int trust_check_owner (const struct attachment *a,
                              const struct export *e);

/* Refuse also those that others can connect to, and those on this machine
 * whose owner cannot be found out.  -1 with a fault.
 */
extern int trust_check_private (const struct attachment *a,
                                const struct export *e);

#endif /* TRUST_H */
