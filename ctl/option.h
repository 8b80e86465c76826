/* nbdzramctl: what several options have in common.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef OPTION_H
#define OPTION_H

#include <stdint.h>

/* Check the number that an option has; NULL: it was not given.  -1 with a fault
 * that begins with its name.
 */
extern int option_check_number (const char *name, const char *text,
                                uint64_t min, uint64_t max);

#endif /* OPTION_H */
