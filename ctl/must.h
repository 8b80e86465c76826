/* nbdzramctl: memory that is there, or the tool ends.
 * SPDX-License-Identifier: BSD-3-Clause
 */

#ifndef MUST_H
#define MUST_H

#include <stddef.h>

/* Allocate as calloc, strdup and asprintf do, but never return NULL: without
 * memory the tool ends with a message.  To be freed.
 */
extern void *must_alloc (size_t n, size_t size);
extern char *must_copy (const char *text);
extern char *must_printf (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

#endif /* MUST_H */
